"""The model: noise -> LSTM -> dropout -> aggregation -> softmax classifier.

Huang et al. 2020, section 2, as a walk through time: `start`, a `chunk` of frames after
the other, `finish`. `run` and `chunk` are the places that name the LSTM.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from vladser import aggregators, lstm, masking
from vladser.types import Array, PyTree, Spec


class Params(NamedTuple):
    lstm: lstm.Params
    aggregator: PyTree
    kernel: Array  # [V, classes] of the classifier
    bias: Array  # [classes]


class Carry(NamedTuple):
    """What is known after some frames of B utterances."""

    lstm: lstm.Carry
    pool: PyTree  # [B, ...] the aggregator's state; () for one that cannot stream


def init(key: Array, spec: Spec) -> Params:
    """Initial weights. Weights of equal shape are equal for every spec: trials that
    differ only in their aggregator start from the same LSTM."""
    lstm_key, aggregator_key, classifier_key = jax.random.split(key, 3)
    pooling = aggregators.build(spec.pooling)
    length = aggregators.vector_length(spec.pooling, spec.cells)
    glorot = jax.nn.initializers.glorot_uniform()
    return Params(
        lstm.init(lstm_key, spec.features, spec.cells),
        pooling.init(aggregator_key, spec.cells),
        glorot(classifier_key, (length, spec.classes)),
        jnp.zeros(spec.classes),
    )


def start(params: Params, spec: Spec, batch: int) -> Carry:
    """The state before the first frame of `batch` utterances."""
    stream, pool = aggregators.build(spec.pooling).stream, ()
    if stream:
        one = stream.start(params.aggregator, spec.cells)
        pool = jax.tree.map(lambda x: jnp.broadcast_to(x, (batch, *jnp.shape(x))), one)
    return Carry(lstm.start(params.lstm, batch), pool)


def run(params: Params, carry: Carry, frames: Array, mask: Array) -> lstm.Run:
    """What `chunk` wants to know of the LSTM; arguments as there."""
    return lstm.run(params.lstm, frames, mask, carry.lstm)


def chunk(
    params: Params,
    spec: Spec,
    carry: Carry,
    frames: Array,
    mask: Array,
    run: lstm.Run,
    drop: Callable[[Array], Array] = lambda hidden: hidden,
) -> tuple[Carry, PyTree]:
    """Takes in some frames.

    Args:
      frames: [T, B, D], standardized and clean, see `masking.clean`.
      mask: [T, B] bool.
      run: of the same params, carry, frames and mask.
      drop: dropout, in training; takes and returns [T, B, H].

    Returns:
      the state after them, and what `finish` must see of them: the LSTM's output
      [T, B, H] if the aggregator cannot stream, else ().
    """
    hidden, state = lstm.replay(params.lstm, frames, mask, carry.lstm, run)
    hidden = drop(hidden)
    stream = aggregators.build(spec.pooling).stream
    if not stream:
        return Carry(state, ()), hidden
    update = jax.vmap(stream.update, in_axes=(None, 0, 1, 1))
    return Carry(state, update(params.aggregator, carry.pool, hidden, mask)), ()


def finish(
    params: Params, spec: Spec, carry: Carry, hidden: PyTree, mask: Array
) -> tuple[Array, Array]:
    """Classifies.

    Args:
      hidden: what `chunk` returned for all frames, end to end; mask: theirs.

    Returns:
      the utterance-level representation [B, V] and the logits [B, classes].
    """
    aggregator = aggregators.build(spec.pooling)
    if aggregator.stream:
        of_state = jax.vmap(aggregator.stream.finish, in_axes=(None, 0))
        embedding = of_state(params.aggregator, carry.pool)
    else:
        of_frames = jax.vmap(aggregator.apply, in_axes=(None, 1, 1))
        embedding = of_frames(params.aggregator, hidden, mask)
    return embedding, embedding @ params.kernel + params.bias


def forward(
    params: Params, spec: Spec, frames: Array, mask: Array
) -> tuple[Array, Array]:
    """The model in evaluation, without noise and dropout, on whole utterances.

    Args:
      frames: [T, B, D], standardized; anything where the mask leaves out.
      mask: [T, B] bool.

    Returns:
      the utterance-level representation [B, V] and the logits [B, classes].
    """
    chex.assert_rank([frames, mask], [3, 2])
    chex.assert_equal_shape_prefix([frames, mask], 2)
    frames, carry = masking.clean(frames, mask), start(params, spec, frames.shape[1])
    found = run(params, carry, frames, mask)
    carry, hidden = chunk(params, spec, carry, frames, mask, found)
    return finish(params, spec, carry, hidden, mask)
