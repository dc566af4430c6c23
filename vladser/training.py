"""One training step of one trial: loss, gradient, Adadelta."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from vladser import chunked, dataset, losses, masking, model
from vladser.chunked import CHUNK, Scan
from vladser.types import Array, Buffer, PyTree, Spec, State, Trial

EPSILON = 1e-6  # of Adadelta; Zeiler 2012, section 4.1


class Draws(NamedTuple):
    """The random numbers of one training step, shared by the trials of a seed."""

    noise: Array  # [chunks, CHUNK, B, D] standard normal
    uniform: Array  # [chunks, CHUNK, B, H] in [0, 1)


def optimizer(trial: Trial) -> optax.GradientTransformation:
    """Adadelta (Zeiler 2012). Its step has the parameters' own scale: the learning rate
    of the paper's method is 1."""
    return optax.adadelta(trial.learning_rate, rho=trial.rho, eps=EPSILON)


def init(params: model.Params) -> State:
    """The state before the first step."""
    return State(params, optax.adadelta(1.0).init(params))


def no_draws(spec: Spec, batch: int, capacity: int) -> Draws:
    """Memory for the draws of `batch` rows of at most `capacity` chunks."""
    shape = (capacity, CHUNK, batch)
    return Draws(jnp.zeros((*shape, spec.features)), jnp.zeros((*shape, spec.cells)))


def draw(key: Array, draws: Draws, count: Array) -> Draws:
    """Draws anew for the first `count` chunks. What is drawn for a chunk does not
    depend on how many there are."""

    def one(index, draws):
        noise_key, dropout_key = jax.random.split(jax.random.fold_in(key, index))
        fresh = Draws(
            jax.random.normal(noise_key, draws.noise.shape[1:]),
            jax.random.uniform(dropout_key, draws.uniform.shape[1:]),
        )
        return jax.tree.map(lambda all, x: all.at[index].set(x), draws, fresh)

    return jax.lax.fori_loop(0, count, one, draws)


def standardize(frames: Array, trial: Trial) -> Array:
    """Frames in units of the fold's training frames: mean 0, variance 1."""
    return (frames - trial.mean) * trial.scale


def space(params: model.Params, spec: Spec, batch: int, capacity: int) -> PyTree:
    """Memory for `value_and_gradient` of `batch` rows, see `chunked.space`."""

    def run(params, carry, index):
        frames = jnp.zeros((CHUNK, batch, spec.features))
        return model.run(params, carry, frames, jnp.ones(frames.shape[:2], bool))

    def start(params):
        return model.start(params, spec, batch)

    scan = Scan(start, run, None, None)  # type: ignore[arg-type]  # all it looks at
    return chunked.space(scan, params, capacity)


def value_and_gradient(
    params: model.Params,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    draws: Draws,
    place: ArrayLike,
    space: PyTree,
) -> tuple[Array, model.Params, PyTree]:
    """The loss of `losses.utterance`, summed over the live rows.

    Args:
      rows: [B] int, utterances; -1 is an empty row.
      draws: those of the minibatch; place: where in it the rows begin.
      space: see `space`.

    Returns:
      the loss [], its gradient, and the space again.
    """

    def drawn(all, index):
        first, sizes = (index, 0, place, 0), (1, CHUNK, len(rows), all.shape[-1])
        return jax.lax.dynamic_slice(all, first, sizes)[0]

    def noise(index):
        return trial.noise * drawn(draws.noise, index)

    def drop(hidden, index):
        kept = drawn(draws.uniform, index) >= trial.dropout
        return jnp.where(kept, hidden * (1 / (1 - trial.dropout)), 0.0)

    def loss(logits):
        of_each = jax.vmap(losses.utterance, in_axes=(0, 0, None))
        found = of_each(logits, buffer.label[rows], trial)
        return jnp.sum(jnp.where(rows >= 0, found, 0))

    scan = _scan(spec, trial, buffer, rows, loss, noise, drop)
    return chunked.value_and_gradient(scan, params, _chunks(buffer, rows), space)


def step(
    state: State,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    draws: Draws,
    space: PyTree,
) -> tuple[State, Array, PyTree]:
    """One Adadelta step; a minibatch without a live row leaves the state untouched.

    The minibatch is worked on in slices, whose gradients are summed: a row is padded to
    the longest of its slice only.

    Args:
      rows: [slices, B] int, utterances; -1 is an empty row.
      draws: those of all rows, slice by slice.
      space: see `space`.

    Returns:
      the new state, the loss before the step, averaged over the live rows (0 if none,
      NaN if the gradient is not finite), and the space again.
    """
    batch = rows.shape[1]

    def add(total, numbered):
        value, gradient, space = total
        number, rows = numbered
        more, slope, space = value_and_gradient(
            state.params, spec, trial, buffer, rows, draws, number * batch, space
        )
        return (value + more, jax.tree.map(jnp.add, gradient, slope), space), None

    nothing = jnp.zeros(()), jax.tree.map(jnp.zeros_like, state.params), space
    (value, gradient, space), _ = jax.lax.scan(
        add, nothing, (jnp.arange(len(rows)), rows)
    )
    live = (rows >= 0).sum()

    def take(state):
        share = 1 / jnp.maximum(live, 1)
        updates, optimizer_state = optimizer(trial).update(
            jax.tree.map(lambda x: x * share, gradient), state.optimizer, state.params
        )
        params = optax.apply_updates(state.params, updates)
        finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient)]
        loss = jnp.where(jnp.stack(finite).all(), value * share, jnp.nan)
        return State(params, optimizer_state), loss

    def leave(state):
        return state, jnp.zeros(())

    return *jax.lax.cond(live > 0, take, leave, state), space


def predict(
    params: model.Params,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    capacity: int,
) -> Array:
    """Class probabilities of each row, without noise and dropout.

    Args:
      rows: [slices, B] int, utterances; -1 is an empty row.
      capacity: chunks of the longest utterance.

    Returns:
      [slices, B, classes].
    """

    def of_slice(rows):
        scan = _scan(spec, trial, buffer, rows, jax.nn.softmax)
        return chunked.value(scan, params, _chunks(buffer, rows), capacity)

    return jax.lax.map(of_slice, rows)


def longest(buffer: Buffer, rows: Array) -> Array:
    """Frames of the longest of some utterances; -1 is an empty row."""
    return jnp.where(rows >= 0, buffer.length[rows], 0).max()


def _chunks(buffer: Buffer, rows: Array) -> Array:
    return chunked.count(longest(buffer, rows))


def _scan(
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    of_logits: Callable[[Array], Array],
    noise: Callable[[Array], ArrayLike] = lambda index: 0.0,
    drop: Callable[[Array, Array], Array] = lambda hidden, index: hidden,
) -> Scan:
    """The model's walk through the utterances `rows` [B], ending in `of_logits`."""

    def inputs(index):
        frames, mask = dataset.gather(buffer, rows, index * CHUNK, CHUNK)
        return masking.clean(standardize(frames, trial) + noise(index), mask), mask

    def start(params):
        return model.start(params, spec, len(rows))

    def run(params, carry, index):
        return model.run(params, carry, *inputs(index))

    def chunk(params, carry, index, run):
        frames, mask = inputs(index)
        return model.chunk(
            params, spec, carry, frames, mask, run, lambda hidden: drop(hidden, index)
        )

    def finish(params, carry, hidden):
        hidden = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), hidden)
        frames = sum(leaf.shape[0] for leaf in jax.tree.leaves(hidden))
        mask = dataset.mask(buffer, rows, 0, frames)
        return of_logits(model.finish(params, spec, carry, hidden, mask)[1])

    return Scan(start, run, chunk, finish)
