"""The model: encoder -> dropout -> aggregation -> classifier.

Noise is added by the training step, which reads the frames.

Huang et al. 2020, section 2, with an LSTM as the encoder, as a walk through time:
`start`, one block of frames after the other by `update`, `finish`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.contracts import Aggregator, Encoder, Recurrence
from vladser.errors import InputError, VladserError
from vladser.kernels import lstm
from vladser.registry import aggregators, encoders, heads, objectives
from vladser.types import Array, PyTree, Spec


class Params(NamedTuple):
    encoder: PyTree
    aggregator: PyTree
    head: PyTree
    objective: PyTree


class Drop(Protocol):
    """Dropout, in training: returns outputs [T, B, size] with some of them 0.

    Its places: 0, the encoder's outputs, then those between its layers.
    """

    def __call__(self, outputs: Array, place: int = 0) -> Array: ...


def keep(outputs: Array, place: int = 0) -> Array:
    """Returns the outputs as they are, see `Drop`."""
    return outputs


class Carry(NamedTuple):
    """The state after some frames of B utterances; () for parts without one."""

    encoder: PyTree
    aggregator: PyTree  # [B, ...]


def init(key: Array, spec: Spec) -> Params:
    """Draws initial parameters.

    Those of equal shape are equal for every spec: trials that differ only in their
    aggregator start from the same encoder.
    """
    (encoder, aggregator), (outputs, size) = _built(spec), sizes(spec)
    head, objective = heads.build(spec.head), objectives.build(spec.objective)
    encoder_key, aggregator_key, head_key = jax.random.split(key, 3)
    return Params(
        encoder.init(encoder_key, spec.dim),
        aggregator.init(aggregator_key, outputs),
        head.init(head_key, size, spec.classes),
        objective.init(jax.random.fold_in(key, 3), size, spec.classes),
    )


def sizes(spec: Spec) -> tuple[int, int]:
    """Returns H, the size of the encoder's outputs, and V, that of the vectors.

    Nothing is computed.

    Raises:
      InputError: a part cannot be built, or does not take what the one before it gives.
    """
    encoder, aggregator = _built(spec)
    needed = objectives.build(spec.objective).head
    if needed not in (None, spec.head.name):
        raise InputError(
            f"objective {spec.objective.name} needs head={needed}, got {spec.head}"
        )
    outputs = _size(f"encoder {spec.encoder}", encoder, spec.dim, (2, 1), 3)
    pooled = _size(f"aggregator {spec.aggregator}", aggregator, outputs, (2,), 1)
    return outputs, pooled


def _size(name, part, dim, leading, rank) -> int:
    """Returns the size of what a part makes of frames [*leading, dim]."""
    frames = jax.ShapeDtypeStruct((*leading, dim), "float32")
    mask = jax.ShapeDtypeStruct(leading, bool)
    try:
        params = jax.eval_shape(lambda: part.init(jax.random.key(0), dim))
        made = jax.eval_shape(part.apply, params, frames, mask)
    except VladserError:  # of the part, which names itself
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} of {dim} numbers a frame: {error}") from error
    if len(getattr(made, "shape", ())) != rank:
        raise InputError(f"{name}: expected an array of rank {rank}, got {made}")
    return made.shape[-1]


def _built(spec: Spec) -> tuple[Encoder, Aggregator]:
    return encoders.build(spec.encoder), aggregators.build(spec.aggregator)


@contextmanager
def compiled_for(platform: str, spec: Spec) -> Iterator[None]:
    """Traces what is in its body, gradients too, with the spec's precision of matrix
    products, but for those that ask for their own, and with its kernel where the
    platform, as jax calls it, has one."""
    with (
        jax.default_matmul_precision(spec.precision),
        lstm.chosen(spec.kernel, platform),
    ):
        yield


def between(spec: Spec) -> tuple[int, ...]:
    """Returns the sizes of what is dropped between the layers of the encoder."""
    recurrence = encoders.build(spec.encoder).recurrence
    return recurrence.between if recurrence else ()


def coupled(spec: Spec) -> bool:
    """Returns whether the loss of an utterance depends on others of its minibatch."""
    return objectives.build(spec.objective).coupled


def streams(spec: Spec) -> bool:
    """Returns whether a state of constant size is all that a walk remembers."""
    encoder, aggregator = _built(spec)
    return bool(encoder.recurrence and aggregator.stepwise)


def seen(spec: Spec) -> int:
    """Returns how many numbers a frame `update` keeps for `finish`."""
    if not encoders.build(spec.encoder).recurrence:
        return spec.dim
    return 0 if streams(spec) else sizes(spec)[0]


def start(params: Params, spec: Spec, batch: int) -> Carry:
    """Returns the state before the first frame of `batch` utterances."""
    encoder, aggregator = _built(spec)
    if not encoder.recurrence:
        return Carry((), ())
    carry = encoder.recurrence.start(params.encoder, batch)
    if not aggregator.stepwise:
        return Carry(carry, ())
    state = aggregator.stepwise.start(params.aggregator, sizes(spec)[0])
    copies = jax.tree.map(lambda x: jnp.broadcast_to(x, (batch, *jnp.shape(x))), state)
    return Carry(carry, copies)


def residuals(
    params: Params,
    spec: Spec,
    carry: Carry,
    frames: Array,
    mask: Array,
    drop: Drop = keep,
) -> PyTree:
    """Computes what `update` reuses of the encoder; arguments as there."""
    if recurrence := encoders.build(spec.encoder).recurrence:
        read = dropping(recurrence, drop).residuals
        return read(params.encoder, carry.encoder, frames, mask)
    return ()


def dropping(recurrence: Recurrence, drop: Drop = keep) -> Recurrence:
    """Returns the recurrence with its dropout between layers, if it has any: its
    functions take no argument for that."""
    if not recurrence.between:
        return recurrence

    def inner(outputs, place):
        return drop(outputs, place + 1)

    return Recurrence(
        recurrence.start,
        lambda *block: recurrence.residuals(*block, inner),
        lambda *block: recurrence.update(*block, inner),
    )


def update(
    params: Params,
    spec: Spec,
    carry: Carry,
    frames: Array,
    mask: Array,
    residuals: PyTree,
    drop: Drop = keep,
) -> tuple[Carry, PyTree]:
    """Takes in a block of frames.

    Args:
      params, spec: the model.
      carry: the state before them.
      frames: [T, B, D], standardized and clean, see `masking.clean`.
      mask: [T, B] bool.
      residuals: of the same params, carry, frames, mask and dropout.
      drop: dropout, in training.

    Returns:
      The state after them, and what `finish` must see of them: () where the model
      streams; else the encoder's outputs [T, B, H], or the frames where the encoder
      has to see all at once.
    """
    encoder, aggregator = _built(spec)
    if not encoder.recurrence:
        return carry, frames
    advance = dropping(encoder.recurrence, drop).update
    outputs, state = advance(params.encoder, carry.encoder, frames, mask, residuals)
    outputs = drop(outputs)
    if not aggregator.stepwise:
        return Carry(state, ()), outputs
    pool = jax.vmap(aggregator.stepwise.update, in_axes=(None, 0, 1, 1))
    return Carry(state, pool(params.aggregator, carry.aggregator, outputs, mask)), ()


def finish(
    params: Params,
    spec: Spec,
    carry: Carry,
    seen: PyTree,
    mask: Array,
    drop: Drop = keep,
) -> tuple[Array, Array]:
    """Classifies.

    Args:
      params, spec: the model.
      carry: the state after the last frame.
      seen, mask: what `update` returned for all frames, end to end, and their mask.
      drop: dropout, in training, for an encoder that has to see all frames at once.

    Returns:
      The utterance-level representation [B, V] and the logits [B, classes].
    """
    encoder, aggregator = _built(spec)
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
    """Runs the model without noise and dropout on whole utterances; see `finish`.

    Args:
      params, spec: the model.
      frames: [T, B, D], standardized; anything where the mask is False.
      mask: [T, B] bool.
    """
    frames, carry = masking.clean(frames, mask), start(params, spec, frames.shape[1])
    saved = residuals(params, spec, carry, frames, mask)
    carry, seen = update(params, spec, carry, frames, mask, saved)
    return finish(params, spec, carry, seen, mask)
