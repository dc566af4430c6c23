"""All trainings of an experiment as one program: the trial axis and the devices.

The trials form a rectangle [seeds, conditions x folds]. Trials of one seed share noise,
dropout masks and initial weights, which are drawn once. Each device has a block of the
rectangle and works without the others. How a device runs its block is decided here
alone: a CPU takes one trial after another, which stays in its cache; an accelerator
takes all at once, to be full.
"""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vladser import dataset, model, training
from vladser.types import Array, Buffer, PyTree, Spec, State, Trial

_TRIALS = PartitionSpec("seed", "trial")


def mesh(seeds: int, trials: int, devices: list[jax.Device] | None = None) -> Mesh:
    """The arrangement of the devices over [seeds, trials] whose busiest device has the
    fewest trials; devices beyond the number of trials are left out."""
    devices = jax.local_devices() if devices is None else devices
    choices = [
        (-(-seeds // rows) * -(-trials // columns), rows * columns, rows, columns)
        for rows in range(1, min(seeds, len(devices)) + 1)
        for columns in range(1, min(trials, len(devices) // rows) + 1)
    ]
    _, used, rows, columns = min(choices)
    grid = np.array(devices[:used]).reshape(rows, columns)
    return Mesh(grid, ("seed", "trial"))


def place(mesh: Mesh, tree: PyTree, empty: int | float | None = None) -> PyTree:
    """Puts arrays [seeds, trials, ...] on the devices, the rectangle filled up to a
    multiple of the mesh: with `empty`, or with copies of the last trial."""

    def fill(array):
        array = np.asarray(array)
        missing = [
            -n % m for n, m in zip(array.shape, mesh.devices.shape, strict=False)
        ]
        widths = [(0, n) for n in missing] + [(0, 0)] * (array.ndim - 2)
        if empty is None:
            return np.pad(array, widths, mode="edge")
        return np.pad(array, widths, constant_values=empty)

    return jax.device_put(jax.tree.map(fill, tree), NamedSharding(mesh, _TRIALS))


def everywhere(mesh: Mesh) -> NamedSharding:
    """Where all devices of the mesh read the whole of an array."""
    return NamedSharding(mesh, PartitionSpec())


def step_key(seed: Array, epoch: Array, step: Array) -> Array:
    """The key of all that is drawn in a step; alike for all trials of a seed."""
    key = jax.random.fold_in(jax.random.key(seed), epoch)
    return jax.random.fold_in(key, step)


def init(trials: Trial, *, spec: Spec, mesh: Mesh) -> State:
    """The states before the first step.

    Args:
      trials: [seeds, trials, ...], on the host.
    """
    # A seed's weights are drawn once, and alone: on several CPU devices a batch of the
    # QR factorizations in it can wait for threads that wait for it (jaxlib 0.10.2).
    drawn = [jax.device_get(_weights(seed, spec=spec)) for seed in trials.seed[:, 0]]
    states = [training.init(params) for params in drawn]

    def spread(*of_seeds):
        stacked = np.stack(of_seeds)[:, None]
        shape = (*trials.seed.shape, *stacked.shape[2:])
        return np.broadcast_to(stacked, shape)

    return place(mesh, jax.tree.map(spread, *states))


@partial(jax.jit, static_argnames=("spec",))
def _weights(seed: Array, *, spec: Spec) -> model.Params:
    return model.init(step_key(seed, 0, 0), spec)  # no epoch has the number 0


@partial(
    jax.jit, static_argnames=("spec", "mesh", "length"), donate_argnames=("states",)
)
def train_step(
    states: State,
    trials: Trial,
    buffer: Buffer,
    rows: Array,
    epoch: Array,
    step: Array,
    *,
    spec: Spec,
    mesh: Mesh,
    length: int,
) -> tuple[State, Array]:
    """One step of every trial.

    Args:
      states, trials: [seeds, trials, ...].
      rows: int32 [seeds, trials, B]; -1 is an empty row, and a trial without a live row
        stays as it is.
      epoch, step: [] with the seed they say what is drawn.
      length: frames that the rows are padded to.

    Returns:
      the new states and the losses [seeds, trials].
    """

    def block(states, trials, buffer, rows, epoch, step):
        each = _each(mesh)

        def of_seed(of_seed):
            states, trials, rows = of_seed
            key = step_key(trials.seed[0], epoch, step)
            draws = model.draw(key, spec, length, rows.shape[-1])

            def of_trial(of_trial):
                state, trial, rows = of_trial
                batch = dataset.gather(buffer, rows, length)
                return training.step(state, spec, trial, batch, draws)

            return each(of_trial, (states, trials, rows))

        return each(of_seed, (states, trials, rows))

    whole = PartitionSpec()
    specs = (_TRIALS, _TRIALS, whole, _TRIALS, whole, whole)
    return _on_each(mesh, block, specs)(states, trials, buffer, rows, epoch, step)


@partial(jax.jit, static_argnames=("spec", "mesh", "length"))
def predict(
    params: model.Params,
    trials: Trial,
    buffer: Buffer,
    rows: Array,
    *,
    spec: Spec,
    mesh: Mesh,
    length: int,
) -> Array:
    """Class probabilities [seeds, trials, B, classes] of rows [seeds, trials, B]."""

    def block(params, trials, buffer, rows):
        each = _each(mesh)

        def of_trial(of_trial):
            params, trial, rows = of_trial
            batch = dataset.gather(buffer, rows, length)
            return training.predict(params, spec, trial, batch)

        return each(partial(each, of_trial), (params, trials, rows))

    specs = (_TRIALS, _TRIALS, PartitionSpec(), _TRIALS)
    return _on_each(mesh, block, specs)(params, trials, buffer, rows)


def memory(
    spec: Spec, mesh: Mesh, seeds: int, trials: int, rows: int, length: int
) -> int:
    """Bytes on the busiest device at work on trials [seeds, trials], beside the frame
    buffer: an estimate from the arrays that outlive a fusion."""
    cells, features = spec.cells, spec.features
    here = -(-seeds // mesh.devices.shape[0]) * -(-trials // mesh.devices.shape[1])
    # Of each frame: the input, cleaned; hidden, cell, gates, outputs after dropout and
    # the gradients of outputs and gates. Of each seed's frame: what is drawn.
    activations = 4 * rows * length * (2 * features + 13 * cells)
    draws = 4 * rows * length * (features + cells)
    weights = 4 * (features + cells + 1) * 4 * cells
    at_once = 1 if _each(mesh) is jax.lax.map else here
    return draws + at_once * activations + here * 4 * weights


def _each(mesh: Mesh) -> Callable[[Callable, PyTree], PyTree]:
    if mesh.devices.flat[0].platform == "cpu":
        return jax.lax.map
    return lambda function, tree: jax.vmap(function)(tree)


def _on_each(mesh: Mesh, block: Callable, specs: tuple) -> Callable:
    return jax.shard_map(
        block, mesh=mesh, in_specs=specs, out_specs=_TRIALS, check_vma=False
    )
