"""The model: noise -> encoder -> dropout -> aggregation -> classifier.

Huang et al. 2020, section 2, with an LSTM as the encoder, as a walk through time:
`start`, one block of frames after the other by `update`, `finish`.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from vladser import masking
from vladser.errors import InputError
from vladser.registry import aggregators, encoders, heads, objectives
from vladser.types import Array, PyTree, Spec


class Params(NamedTuple):
    """The parameters of each part."""

    encoder: PyTree
    aggregator: PyTree
    head: PyTree
    objective: PyTree


class Carry(NamedTuple):
    """The state after some frames of B utterances; () for parts without one."""

    encoder: PyTree
    aggregator: PyTree  # [B, ...]


def identity(outputs: Array) -> Array:
    """Drops nothing."""
    return outputs


def init(key: Array, spec: Spec) -> Params:
    """Draws initial parameters.

    Those of equal shape are equal for every spec: trials that differ only in their
    aggregator start from the same encoder.
    """
    encoder_key, aggregator_key, head_key = jax.random.split(key, 3)
    outputs, length = sizes(spec)
    return Params(
        encoders.build(spec.encoder).init(encoder_key, spec.dim),
        aggregators.build(spec.aggregator).init(aggregator_key, outputs),
        heads.build(spec.head).init(head_key, length, spec.classes),
        objectives.build(spec.objective).init(
            jax.random.fold_in(key, 3), length, spec.classes
        ),
    )


def sizes(spec: Spec) -> tuple[int, int]:
    """Returns H, the size of the encoder's outputs, and V, that of the vectors.

    Nothing is computed.

    Raises:
      InputError: a part cannot be built, or does not take what the one before it gives.
    """
    frames = jax.ShapeDtypeStruct((2, 1, spec.dim), "float32")
    mask = jax.ShapeDtypeStruct((2, 1), bool)
    outputs = _size("encoder", spec.encoder, encoders, spec.dim, frames, mask)
    frames = jax.ShapeDtypeStruct((2, outputs), "float32")
    mask = jax.ShapeDtypeStruct((2,), bool)
    pooled = _size("aggregator", spec.aggregator, aggregators, outputs, frames, mask)
    return outputs, pooled


def _size(kind, part, room, dim, frames, mask) -> int:
    """Returns the size of the vectors that a part makes of frames [..., dim]."""
    built, ranks = room.build(part), frames.ndim if kind == "encoder" else 1
    try:
        params = jax.eval_shape(lambda: built.init(jax.random.key(0), dim))
        made = jax.eval_shape(built.apply, params, frames, mask)
    except (TypeError, ValueError) as error:
        raise InputError(f"{kind} {part} of {dim} numbers a frame: {error}") from error
    if len(getattr(made, "shape", ())) != ranks:
        vectors = "one vector a frame" if kind == "encoder" else "one vector [V]"
        raise InputError(f"{kind} {part}: expected {vectors}, got {made}")
    return made.shape[-1]


def streams(spec: Spec) -> bool:
    """Returns whether a state of constant size is all that a walk remembers."""
    return bool(
        encoders.build(spec.encoder).recurrence
        and aggregators.build(spec.aggregator).stepwise
    )


def seen(spec: Spec) -> int:
    """Returns how many numbers a frame `update` keeps for `finish`."""
    if not encoders.build(spec.encoder).recurrence:
        return spec.dim
    return 0 if streams(spec) else sizes(spec)[0]


def start(params: Params, spec: Spec, batch: int) -> Carry:
    """Returns the state before the first frame of `batch` utterances."""
    recurrence = encoders.build(spec.encoder).recurrence
    stepwise, pool = aggregators.build(spec.aggregator).stepwise, ()
    if not recurrence:
        return Carry((), ())
    if stepwise:
        outputs, _ = sizes(spec)
        one = stepwise.start(params.aggregator, outputs)
        pool = jax.tree.map(lambda x: jnp.broadcast_to(x, (batch, *jnp.shape(x))), one)
    return Carry(recurrence.start(params.encoder, batch), pool)


def residuals(
    params: Params, spec: Spec, carry: Carry, frames: Array, mask: Array
) -> PyTree:
    """Computes what `update` reuses of the encoder; arguments as there."""
    recurrence = encoders.build(spec.encoder).recurrence
    if not recurrence:
        return ()
    return recurrence.residuals(params.encoder, carry.encoder, frames, mask)


def update(
    params: Params,
    spec: Spec,
    carry: Carry,
    frames: Array,
    mask: Array,
    residuals: PyTree,
    drop: Callable[[Array], Array] = identity,
) -> tuple[Carry, PyTree]:
    """Takes in a block of frames.

    Args:
      carry: the state before them.
      frames: [T, B, D], standardized and clean, see `masking.clean`.
      mask: [T, B] bool.
      residuals: of the same params, carry, frames and mask.
      drop: dropout, in training; takes and returns [T, B, H].

    Returns:
      The state after them, and what `finish` must see of them: () where the model
      streams; else the encoder's outputs [T, B, H], or the frames where the encoder
      has to see all at once.
    """
    recurrence = encoders.build(spec.encoder).recurrence
    if not recurrence:
        return carry, frames
    outputs, state = recurrence.update(
        params.encoder, carry.encoder, frames, mask, residuals
    )
    outputs = drop(outputs)
    stepwise = aggregators.build(spec.aggregator).stepwise
    if not stepwise:
        return Carry(state, ()), outputs
    pool = jax.vmap(stepwise.update, in_axes=(None, 0, 1, 1))
    return Carry(state, pool(params.aggregator, carry.aggregator, outputs, mask)), ()


def finish(
    params: Params,
    spec: Spec,
    carry: Carry,
    seen: PyTree,
    mask: Array,
    drop: Callable[[Array], Array] = identity,
) -> tuple[Array, Array]:
    """Classifies.

    Args:
      carry: the state after the last frame.
      seen: what `update` returned for all frames, end to end; mask: theirs.
      drop: dropout, in training, for an encoder that has to see all frames at once.

    Returns:
      The utterance-level representation [B, V] and the logits [B, classes].
    """
    encoder = encoders.build(spec.encoder)
    aggregator = aggregators.build(spec.aggregator)
    if encoder.recurrence and aggregator.stepwise:
        of_state = jax.vmap(aggregator.stepwise.finish, in_axes=(None, 0))
        vectors = of_state(params.aggregator, carry.aggregator)
    else:
        if not encoder.recurrence:
            seen = drop(encoder.apply(params.encoder, seen, mask))
        of_frames = jax.vmap(aggregator.apply, in_axes=(None, 1, 1))
        vectors = of_frames(params.aggregator, seen, mask)
    return vectors, heads.build(spec.head).apply(params.head, vectors)


def forward(
    params: Params, spec: Spec, frames: Array, mask: Array
) -> tuple[Array, Array]:
    """Runs the model in evaluation, without noise and dropout, on whole utterances.

    Args:
      frames: [T, B, D], standardized; anything where the mask leaves out.
      mask: [T, B] bool.

    Returns:
      The utterance-level representation [B, V] and the logits [B, classes].
    """
    chex.assert_rank([frames, mask], [3, 2])
    chex.assert_equal_shape_prefix([frames, mask], 2)
    frames, carry = masking.clean(frames, mask), start(params, spec, frames.shape[1])
    saved = residuals(params, spec, carry, frames, mask)
    carry, seen = update(params, spec, carry, frames, mask, saved)
    return finish(params, spec, carry, seen, mask)
