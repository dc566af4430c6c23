"""All trainings of an experiment as one program: the trial axis and the devices.

The trials form a rectangle [seeds, conditions x folds]. Trials of one seed share noise,
dropout masks and initial weights, which are drawn once. Each device has a block of the
rectangle and works without the others. How a device runs its block is decided here
alone: a CPU takes one trial after another, and a few rows of a minibatch at a time,
which stay in its cache; an accelerator takes all at once, to be full.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike

from vladser import model
from vladser.data import batches
from vladser.engine import timeblocks, training_step
from vladser.engine.timeblocks import BLOCK
from vladser.types import Array, Buffer, PyTree, Spec, State, Trial

SLICE = batches.UNIT  # rows that a CPU works on at once; see BENCHMARKS.md
# For a CPU's compiler, and no other backend's: XLA's default is half of AVX-512.
_OPTIONS = {"xla_cpu_prefer_vector_width": 512}

_TRIALS = PartitionSpec("seed", "trial")


def mesh(seeds: int, trials: int, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Arranges the devices over [seeds, trials].

    The busiest device has as few trials as possible; of such meshes the one of fewest
    devices is chosen, since more would not be faster, and then the one that spreads the
    seeds least: the minibatches of a step are alike in length within a seed only, and
    devices wait for each other.

    Args:
      seeds, trials: the shape of the rectangle.
      devices: all local ones by default.
    """
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
    filled = jax.tree.map(lambda array: _fill(mesh, array, empty), tree)
    return jax.device_put(filled, NamedSharding(mesh, _TRIALS))


def everywhere(mesh: Mesh) -> NamedSharding:
    """Where all devices of the mesh read the whole of an array."""
    return NamedSharding(mesh, PartitionSpec())


def step_key(seed: Array, epoch: ArrayLike, step: ArrayLike) -> Array:
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
    states = [jax.device_get(_start(seed, spec=spec)) for seed in trials.seed[:, 0]]

    def spread(*of_seeds):
        stacked = np.stack(of_seeds)[:, None]
        shape = (*trials.seed.shape, *stacked.shape[2:])
        return np.broadcast_to(stacked, shape)

    return place(mesh, jax.tree.map(spread, *states))


@partial(jax.jit, static_argnames=("spec",))
def _start(seed: Array, *, spec: Spec) -> State:
    # No epoch has the number 0.
    return training_step.init(model.init(step_key(seed, 0, 0), spec), spec)


def train_step(
    states: State,
    trials: Trial,
    buffer: Buffer,
    rows: Array,
    epoch: ArrayLike,
    step: ArrayLike,
    *,
    spec: Spec,
    mesh: Mesh,
    capacity: int,
) -> tuple[State, Array]:
    """One step of every trial.

    Args:
      states, trials: [seeds, trials, ...].
      rows: int32 [seeds, trials, B], the longest first; -1 is an empty row, and a trial
        without a live row stays as it is.
      epoch, step: [] with the seed they say what is drawn.
      capacity: blocks of the longest utterance.

    Returns:
      the new states and the losses [seeds, trials].
    """

    program = _train_step(_one_by_one(mesh))
    return program(
        states,
        trials,
        buffer,
        rows,
        epoch,
        step,
        spec=spec,
        mesh=mesh,
        capacity=capacity,
    )


@cache
def _train_step(on_cpu: bool) -> Callable:
    @partial(
        jax.jit,
        static_argnames=("spec", "mesh", "capacity"),
        donate_argnames=("states",),
        compiler_options=_OPTIONS if on_cpu else None,
    )
    def train_step(states, trials, buffer, rows, epoch, step, *, spec, mesh, capacity):
        def block(states, trials, buffer, rows, epoch, step):
            each, rows = _each(mesh), _slices(mesh, rows)
            *_, slices, batch = rows.shape
            draws = training_step.no_draws(spec, slices * batch, capacity)
            params = jax.tree.map(lambda x: x[0, 0], states.params)
            workspace = training_step.workspace(params, spec, batch, capacity)

            def of_seed(memory, of_seed):
                draws, workspace = memory
                states, trials, rows = of_seed
                key = step_key(trials.seed[0], epoch, step)
                count = timeblocks.count(training_step.longest(buffer, rows))
                draws = training_step.draw(key, draws, count)

                def of_trial(workspace, of_trial):
                    state, trial, rows = of_trial
                    state, loss, workspace = training_step.step(
                        state, spec, trial, buffer, rows, draws, workspace
                    )
                    return workspace, (state, loss)

                workspace, done = each(of_trial, workspace, (states, trials, rows))
                return (draws, workspace), done

            return each(of_seed, (draws, workspace), (states, trials, rows))[1]

        whole = PartitionSpec()
        specs = (_TRIALS, _TRIALS, whole, _TRIALS, whole, whole)
        return _on_each(mesh, block, specs)(states, trials, buffer, rows, epoch, step)

    return train_step


@partial(jax.jit, static_argnames=("walk", "spec", "mesh", "capacity"))
def evaluate(
    params: model.Params,
    trials: Trial,
    buffer: Buffer,
    rows: Array,
    *,
    walk: Callable,
    spec: Spec,
    mesh: Mesh,
    capacity: int,
) -> Array:
    """Evaluates utterances with every trial.

    Args:
      params, trials: [seeds, trials, ...].
      rows: int32 [seeds, trials, B]; -1 is an empty row.
      walk: (params, spec, trial, buffer, rows [slices, b], capacity) -> [slices, b,
        ...] of one trial; `training_step.predict` for class probabilities.
      capacity: blocks of the longest utterance.

    Returns:
      What `walk` returns, [seeds, trials, B, ...].
    """

    def block(params, trials, buffer, rows):
        each, batch = _each(mesh), rows.shape[-1]

        def of_trial(_, of_trial):
            params, trial, rows = of_trial
            made = walk(params, spec, trial, buffer, rows, capacity)
            return (), made.reshape(-1, *made.shape[2:])[:batch]

        of_seed = partial(each, of_trial)
        return each(of_seed, (), (params, trials, _slices(mesh, rows)))[1]

    specs = (_TRIALS, _TRIALS, PartitionSpec(), _TRIALS)
    return _on_each(mesh, block, specs)(params, trials, buffer, rows)


def computed(lengths: np.ndarray, rows: np.ndarray, mesh: Mesh) -> int:
    """Frames that a step of rows [seeds, trials, B] computes, padding included.

    Args:
      lengths: [N] of the utterances.
    """
    slices = _slices(mesh, _fill(mesh, rows, -1))
    count = -(-np.where(slices >= 0, lengths[slices], 0).max(axis=-1) // BLOCK)
    if not _one_by_one(mesh):  # each device does what its longest utterance needs
        down, across = mesh.devices.shape
        seeds, trials, *_ = count.shape
        parts = count.reshape(down, seeds // down, across, trials // across, -1)
        count = np.broadcast_to(parts.max(axis=(1, 3), keepdims=True), parts.shape)
    return int(count.sum()) * BLOCK * slices.shape[-1]


def memory(
    spec: Spec, mesh: Mesh, seeds: int, trials: int, rows: int, length: int
) -> int:
    """Bytes on the busiest device at work on trials [seeds, trials] of minibatches of
    `rows` utterances of at most `length` frames, beside the frame buffer: an estimate
    from the arrays that outlive a fusion."""
    down, across = mesh.devices.shape
    seeds_here, trials_here = -(-seeds // down), -(-trials // across)
    one_by_one, capacity = _one_by_one(mesh), -(-length // BLOCK)
    rows += -rows % SLICE
    batch = SLICE if one_by_one else rows
    params = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    of_workspace = partial(
        training_step.workspace, spec=spec, batch=batch, capacity=capacity
    )
    kept = _bytes(jax.eval_shape(of_workspace, params))
    # What `model.finish` sees, and its gradient.
    kept += 2 * 4 * capacity * BLOCK * batch * model.seen(spec)
    of_draws = partial(training_step.no_draws, spec, rows, capacity)
    drawn = _bytes(jax.eval_shape(of_draws))
    states = 5 * _bytes(params)  # with two averages, the gradient, the best epoch's
    if one_by_one:
        return drawn + kept + seeds_here * trials_here * states
    return seeds_here * (drawn + trials_here * (kept + states))


def _bytes(shapes: PyTree) -> int:
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(shapes))


def _fill(mesh: Mesh, array: np.ndarray, empty: int | float | None) -> np.ndarray:
    """See `place`."""
    array = np.asarray(array)
    missing = [-n % m for n, m in zip(array.shape, mesh.devices.shape, strict=False)]
    widths = [(0, n) for n in missing] + [(0, 0)] * (array.ndim - 2)
    if empty is None:
        return np.pad(array, widths, mode="edge")
    return np.pad(array, widths, constant_values=empty)


def _one_by_one(mesh: Mesh) -> bool:
    return mesh.devices.flat[0].platform == "cpu"


def _each(mesh: Mesh) -> Callable[[Callable, PyTree, PyTree], tuple[PyTree, PyTree]]:
    """What runs (memory, trial) -> (memory, result) over trials: a scan that hands the
    memory on, or all at once, each with memory of its own."""
    if _one_by_one(mesh):
        return jax.lax.scan

    def at_once(function, memory, trials):
        return memory, jax.vmap(lambda trial: function(memory, trial)[1])(trials)

    return at_once


def _slices(mesh: Mesh, rows: Array) -> Array:
    """[..., B] -> [..., slices, rows of a slice], filled up with empty rows."""
    fill = [(0, 0)] * (rows.ndim - 1) + [(0, -rows.shape[-1] % SLICE)]
    pad = np.pad if isinstance(rows, np.ndarray) else jnp.pad
    rows = pad(rows, fill, constant_values=-1)
    batch = SLICE if _one_by_one(mesh) else rows.shape[-1]
    return rows.reshape(*rows.shape[:-1], -1, batch)


def _on_each(mesh: Mesh, block: Callable, specs: tuple) -> Callable:
    return jax.shard_map(
        block, mesh=mesh, in_specs=specs, out_specs=_TRIALS, check_vma=False
    )
