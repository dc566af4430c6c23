"""All trials of an experiment as one program.

The trials form a rectangle [seeds, conditions x folds]; `placement` has where they lie.
Trials of one seed share noise, dropout masks and initial weights, which are drawn once.
"""

from collections.abc import Callable
from functools import cache, partial

import jax
import numpy as np
from jax.sharding import Mesh
from jax.typing import ArrayLike

from vladser import model
from vladser.engine import placement, timeblocks, training_step
from vladser.engine.placement import SHARED, TRIALS
from vladser.engine.timeblocks import Blocks
from vladser.types import Array, Spec, State, Trial

# For a CPU's compiler, and no other backend's: XLA's default is half of AVX-512.
_CPU_OPTIONS = {"xla_cpu_prefer_vector_width": 512}


def step_key(seed: Array, epoch: ArrayLike, step: ArrayLike) -> Array:
    """Returns the key of all that a step draws; alike for all trials of a seed."""
    key = jax.random.fold_in(jax.random.key(seed), epoch)
    return jax.random.fold_in(key, step)


def init(trials: Trial, *, spec: Spec, mesh: Mesh) -> State:
    """Returns the states before the first step of trials [seeds, trials, ...]."""
    # A seed's weights are drawn once, and alone: on several CPU devices a batch of the
    # QR factorizations in it can wait for threads that wait for it (jaxlib 0.10.2).
    states = [jax.device_get(_first(seed, spec=spec)) for seed in trials.seed[:, 0]]

    def spread(*leaves):
        stacked = np.stack(leaves)[:, None]
        return np.broadcast_to(stacked, (*trials.seed.shape, *stacked.shape[2:]))

    return placement.place(mesh, jax.tree.map(spread, *states))


@partial(jax.jit, static_argnames="spec")
def _first(seed: Array, *, spec: Spec) -> State:
    # No epoch has the number 0.
    return training_step.init(model.init(step_key(seed, 0, 0), spec), spec)


@cache
def train_step(spec: Spec, mesh: Mesh, blocks: Blocks) -> Callable:
    """Makes the program that takes a step of every trial.

    Args:
      spec, mesh: of the trials.
      blocks: how time is cut.

    Returns:
      (states, trials, buffer, rows, epoch, step) -> (states, losses [seeds, trials]):
      states and trials are [seeds, trials, ...], the states are donated; rows is int32
      [seeds, trials, B], the longest first, where -1 is an empty row, and a trial
      without a live row stays as it is; with the seed, the numbers epoch and step say
      what is drawn.
    """
    each = placement.each(mesh)
    options = _CPU_OPTIONS if placement.one_by_one(mesh) else None

    @partial(jax.jit, donate_argnums=0, compiler_options=options)
    @placement.on_each(mesh, TRIALS, TRIALS, SHARED, TRIALS, SHARED, SHARED)
    @model.compiled_for(placement.platform(mesh), spec)
    def train_step(states, trials, buffer, rows, epoch, step):
        rows = placement.slices(mesh, rows, model.coupled(spec))
        *_, slices, batch = rows.shape
        draws = training_step.empty_draws(spec, slices * batch, blocks)
        params = jax.tree.map(lambda x: x[0, 0], states.params)
        workspace = training_step.empty_workspace(params, spec, batch, blocks)

        def step_of_seed(memory, trials_of_seed):
            draws, workspace = memory
            states, trials, rows = trials_of_seed
            key = step_key(trials.seed[0], epoch, step)
            needed = training_step.count(blocks, buffer, rows)
            draws = training_step.draw(key, draws, needed)

            def step_of_trial(workspace, state_trial_rows):
                state, trial, rows = state_trial_rows
                state, loss, workspace = training_step.step(
                    state, spec, trial, buffer, rows, draws, workspace
                )
                return workspace, (state, loss)

            trials_of_seed = states, trials, rows
            workspace, stepped = each(step_of_trial, workspace, trials_of_seed)
            return (draws, workspace), stepped

        return each(step_of_seed, (draws, workspace), (states, trials, rows))[1]

    return train_step


@cache
def evaluate(walk: Callable, spec: Spec, mesh: Mesh, blocks: Blocks) -> Callable:
    """Makes the program that evaluates utterances with every trial.

    Args:
      walk: (params, spec, trial, buffer, rows [slices, b], blocks) -> [slices, b,
        ...] of one trial; `training_step.predict` for class probabilities.
      spec, mesh: of the trials.
      blocks: how time is cut.

    Returns:
      (params, trials, buffer, rows) -> what `walk` returns, [seeds, trials, B, ...];
      params and trials are [seeds, trials, ...], rows is int32 [seeds, trials, B],
      where -1 is an empty row.
    """
    each = placement.each(mesh)

    @jax.jit
    @placement.on_each(mesh, TRIALS, TRIALS, SHARED, TRIALS)
    @model.compiled_for(placement.platform(mesh), spec)
    def evaluate(params, trials, buffer, rows):
        batch = rows.shape[-1]

        def walk_of_trial(_, params_trial_rows):
            params, trial, rows = params_trial_rows
            values = walk(params, spec, trial, buffer, rows, blocks)
            return (), values.reshape(-1, *values.shape[2:])[:batch]

        walk_of_seed = partial(each, walk_of_trial)
        return each(walk_of_seed, (), (params, trials, placement.slices(mesh, rows)))[1]

    return evaluate


def computed(
    lengths: np.ndarray, rows: np.ndarray, mesh: Mesh, coupled: bool = False
) -> int:
    """Returns the frames that a step of rows [seeds, trials, B] computes, padding
    included; `lengths` [N] are those of all utterances; see `model.coupled`."""
    slices = placement.slices(mesh, placement.fill(mesh, rows, -1), coupled)
    longest = np.where(slices >= 0, lengths[slices], 0).max(axis=-1)
    if not placement.one_by_one(mesh):
        # Each device does what the longest of its utterances needs.
        down, across = mesh.devices.shape
        seeds, trials, *_ = longest.shape
        parts = longest.reshape(down, seeds // down, across, trials // across, -1)
        longest = np.broadcast_to(parts.max(axis=(1, 3), keepdims=True), parts.shape)
    blocks = timeblocks.cut(int(lengths.max()), placement.block(mesh))
    return int(blocks.holding(longest).sum()) * blocks.frames * slices.shape[-1]
