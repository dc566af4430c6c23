"""One training step of one trial: loss, gradient, update."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from vladser import masking, model
from vladser.data import dataset
from vladser.engine import slots, timeblocks
from vladser.engine.timeblocks import UNIT, Blocks, Scan
from vladser.registry import objectives, optimizers
from vladser.types import Array, Buffer, PyTree, Spec, State, Trial


class Draws(NamedTuple):
    """The random numbers of one training step, shared by the trials of a seed."""

    noise: Array  # [blocks, frames of a block, B, D] standard normal
    uniform: Array  # [blocks, frames of a block, B, H] in [0, 1)
    between: tuple[Array, ...] = ()  # likewise, of what lies between encoder layers


def init(params: model.Params, spec: Spec) -> State:
    """Returns the state before the first step."""
    return State(params, optimizers.build(spec.optimizer).init(params))


def empty_draws(spec: Spec, batch: int, blocks: Blocks) -> Draws:
    """Allocates the draws of `batch` rows."""
    shape = (*blocks, batch)
    outputs, _ = model.sizes(spec)
    between = (jnp.zeros((*shape, size)) for size in model.between(spec))
    noise, uniform = jnp.zeros((*shape, spec.dim)), jnp.zeros((*shape, outputs))
    return Draws(noise, uniform, tuple(between))


def draw(key: Array, draws: Draws, count: Array) -> Draws:
    """Draws the first `count` blocks again; what is drawn for a frame depends neither
    on how many there are nor on their size."""
    units = draws.noise.shape[1] // UNIT

    def of_unit(drawn, key, all):
        return drawn(key, (UNIT, *all.shape[2:]))

    def draw_unit(index):
        noise_key, dropout_key = jax.random.split(jax.random.fold_in(key, index))
        return Draws(
            of_unit(jax.random.normal, noise_key, draws.noise),
            of_unit(jax.random.uniform, dropout_key, draws.uniform),
            tuple(
                of_unit(jax.random.uniform, jax.random.fold_in(dropout_key, n), all)
                for n, all in enumerate(draws.between)
            ),
        )

    def draw_block(index, draws):
        fresh = [draw_unit(index * units + n) for n in range(units)]
        fresh = jax.tree.map(lambda *parts: jnp.concatenate(parts), *fresh)
        return slots.put(draws, index, fresh)

    return jax.lax.fori_loop(0, count, draw_block, draws)


def standardize(frames: Array, trial: Trial) -> Array:
    """Returns frames in units of the fold's training frames: mean 0, variance 1."""
    return (frames - trial.mean) * trial.scale


def empty_workspace(
    params: model.Params, spec: Spec, batch: int, blocks: Blocks
) -> PyTree:
    """Allocates memory for `value_and_gradient` of `batch` rows, see `timeblocks`."""

    def residuals(params, carry, index):
        frames = jnp.zeros((blocks.frames, batch, spec.dim))
        mask = jnp.ones(frames.shape[:2], bool)
        return model.residuals(params, spec, carry, frames, mask)

    start = partial(model.start, spec=spec, batch=batch)
    return timeblocks.empty_workspace(start, residuals, params, blocks.number)


def value_and_gradient(
    params: model.Params,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    draws: Draws,
    first: ArrayLike,
    workspace: PyTree,
) -> tuple[Array, model.Params, PyTree]:
    """Computes the objective, summed over the live rows, and its gradient.

    Args:
      params, spec, trial, buffer, workspace: see `step`.
      rows: [B] int, utterances; -1 is an empty row.
      draws: of the whole minibatch.
      first: the place of the first of the rows in the minibatch.

    Returns:
      The loss [], its gradient, and the workspace again.
    """
    blocks = Blocks(*draws.noise.shape[:2])

    def drawn(all, index):
        sizes = 1, blocks.frames, len(rows), all.shape[-1]
        part = jax.lax.dynamic_slice(all, (index, 0, first, 0), sizes)
        return slots.in_order(part)[0]  # else TPUs copy all

    def noise(index):
        return trial.noise * drawn(draws.noise, index)

    def drop(outputs, place=0, index=None):
        uniform = (draws.uniform, *draws.between)[place]
        if index is None:  # all blocks at once
            uniform = uniform.reshape(-1, *uniform.shape[2:])[: len(outputs)]
            uniform = jax.lax.dynamic_slice_in_dim(uniform, first, len(rows), axis=1)
        else:
            uniform = drawn(uniform, index)
        kept = uniform >= trial.dropout
        return jnp.where(kept, outputs * (1 / (1 - trial.dropout)), 0.0)

    def loss(params, vectors, logits):
        objective, labels = objectives.build(spec.objective), buffer.label[rows]
        if objective.coupled:
            labels = jnp.where(rows >= 0, labels, -1)
        levels = [buffer.views[rows]] if objective.views else []
        known = trial.objective, vectors, logits, labels, *levels
        losses = objective.loss(params.objective, *known)
        return jnp.sum(jnp.where(rows >= 0, losses, 0))

    scan = _scan(spec, trial, buffer, rows, blocks, loss, noise, drop)
    needed = count(blocks, buffer, rows)
    return timeblocks.value_and_gradient(scan, params, needed, blocks.number, workspace)


def step(
    state: State,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    draws: Draws,
    workspace: PyTree,
) -> tuple[State, Array, PyTree]:
    """Takes a step; a minibatch without a live row leaves the state untouched.

    The minibatch is worked on in slices, whose gradients are summed: a row is padded to
    the longest of its slice only.

    Args:
      state, spec, trial, buffer: of the training.
      rows: [slices, B] int, utterances; -1 is an empty row.
      draws: those of all rows, slice by slice.
      workspace: see `empty_workspace`.

    Returns:
      The new state, the loss before the step, averaged over the live rows (0 if none,
      NaN if the gradient is not finite), and the workspace again.
    """
    batch = rows.shape[1]

    def add_slice(total, numbered):
        value, gradient, workspace = total
        number, rows = numbered
        more, slope, workspace = value_and_gradient(
            state.params, spec, trial, buffer, rows, draws, number * batch, workspace
        )
        return (value + more, jax.tree.map(jnp.add, gradient, slope), workspace), None

    zero = jnp.zeros(()), jax.tree.map(jnp.zeros_like, state.params), workspace
    numbered = jnp.arange(len(rows)), rows
    (value, gradient, workspace), _ = jax.lax.scan(add_slice, zero, numbered)
    live = (rows >= 0).sum()

    def take(state):
        share = 1 / jnp.maximum(live, 1)
        optimizer = optimizers.build(spec.optimizer, trial.optimizer)
        mean = jax.tree.map(lambda x: x * share, gradient)
        updates, moved = optimizer.update(mean, state.optimizer, state.params)
        params = optax.apply_updates(state.params, updates)
        finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient)]
        loss = jnp.where(jnp.stack(finite).all(), value * share, jnp.nan)
        return State(params, moved), loss

    def leave(state):
        return state, jnp.zeros(())

    return *jax.lax.cond(live > 0, take, leave, state), workspace


def _walk(value: Callable[[model.Params, Array, Array], Array]) -> Callable[..., Array]:
    """Returns a walk of `sweep.evaluate` through utterances, without noise and dropout,
    that comes to a value [slices, B, ...], see `_scan`."""

    def walk(params, spec, trial, buffer, rows, blocks):
        def of_slice(rows):
            scan = _scan(spec, trial, buffer, rows, blocks, value)
            needed = count(blocks, buffer, rows)
            return timeblocks.value(scan, params, needed, blocks.number)

        return jax.lax.map(of_slice, rows)

    return walk


predict = _walk(lambda params, vectors, logits: jax.nn.softmax(logits))
"""Computes class probabilities [slices, B, classes]."""
represent = _walk(lambda params, vectors, logits: vectors)
"""Computes representations [slices, B, V]."""


def count(blocks: Blocks, buffer: Buffer, rows: Array) -> Array:
    """Returns how many blocks hold some utterances; -1 is an empty row."""
    return timeblocks.count(blocks, jnp.where(rows >= 0, buffer.length[rows], 0).max())


def _scan(
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    blocks: Blocks,
    value: Callable[[model.Params, Array, Array], Array],
    noise: Callable[[Array], ArrayLike] = lambda index: 0.0,
    drop: Callable[..., Array] = lambda outputs, place=0, index=None: outputs,
) -> Scan:
    """Returns the model's walk through utterances, the rows [B], -1 an empty one.

    Args:
      value: makes of parameters, vectors and logits what the walk comes to.
      noise: from the index of a block to what is added to its frames.
      drop: dropout of the outputs of a block; of all of them where `index` is None.
    """

    def inputs(index):
        first, size = index * blocks.frames, blocks.frames
        frames, mask = dataset.gather(buffer, rows, first, size)
        return masking.clean(standardize(frames, trial) + noise(index), mask), mask

    def residuals(params, carry, index):
        frames, mask = inputs(index)
        of_block = partial(drop, index=index)
        return model.residuals(params, spec, carry, frames, mask, of_block)

    def block(params, carry, index, saved):
        frames, mask = inputs(index)
        return model.update(
            params, spec, carry, frames, mask, saved, partial(drop, index=index)
        )

    def finish(params, carry, seen):
        seen = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), seen)
        frames = sum(leaf.shape[0] for leaf in jax.tree.leaves(seen))
        mask = dataset.mask(buffer, rows, 0, frames)
        return value(params, *model.finish(params, spec, carry, seen, mask, drop))

    start = partial(model.start, spec=spec, batch=len(rows))
    return Scan(start, residuals, block, finish)
