"""Classifying with a trained model: whole utterances, or as they are spoken.

A walk through utterances is `start`, `advance` by some frames as often as there are
more, `finish` at any time: what that gives does not depend on how the frames were cut.
Of a pooling that streams, one compiled program serves all lengths.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import aggregators, masking, model
from vladser.bundle import Bundle
from vladser.errors import InputError
from vladser.types import Array, PyTree, Spec

WIDTH = 32  # frames that the program takes at once
ROWS = 8  # utterances


class Walk(NamedTuple):
    """What is known after some frames of B utterances."""

    carry: model.Carry
    # For a pooling that cannot stream: the LSTM's outputs [T, B, H] and their mask.
    hidden: tuple[PyTree, ...] = ()
    mask: tuple[Array, ...] = ()


class Found(NamedTuple):
    """What the model makes of B utterances."""

    embedding: np.ndarray  # [B, V] the utterance-level representation
    probabilities: np.ndarray  # [B, classes]


def can_stream(bundle: Bundle) -> bool:
    """Whether a walk needs to remember no more than a state of constant size."""
    return aggregators.build(bundle.condition.pooling).stream is not None


def start(bundle: Bundle, batch: int) -> Walk:
    """Before the first frame of `batch` utterances."""
    return Walk(model.start(bundle.params, bundle.spec, batch))


def advance(bundle: Bundle, walk: Walk, frames: np.ndarray, mask: np.ndarray) -> Walk:
    """Takes in more frames.

    Args:
      frames: [T, B, D] float32, features as they were extracted.
      mask: [T, B] bool; what it leaves out may hold anything.
    """
    for begin in range(0, len(frames), WIDTH):
        part, kept = frames[begin : begin + WIDTH], mask[begin : begin + WIDTH]
        short = WIDTH - len(part)
        part = np.pad(part, ((0, short), (0, 0), (0, 0)))
        kept = np.pad(kept, ((0, short), (0, 0)))
        scaler = bundle.mean, bundle.scale
        carry, hidden = _advance(
            bundle.params, scaler, walk.carry, part, kept, spec=bundle.spec
        )
        walk = walk._replace(carry=carry)
        if not isinstance(hidden, tuple):
            walk = walk._replace(hidden=(*walk.hidden, hidden), mask=(*walk.mask, kept))
    return walk


def finish(bundle: Bundle, walk: Walk) -> Found:
    """What the model makes of the frames so far; the walk may go on after it."""
    hidden: PyTree = ()
    mask: PyTree = ()
    if not can_stream(bundle):
        none = jnp.zeros((1, *walk.carry.lstm.hidden.shape))  # before the first frame
        hidden = jnp.concatenate(walk.hidden or [none])
        mask = np.concatenate(walk.mask or [np.zeros(none.shape[:2], bool)])
    found = _finish(bundle.params, walk.carry, hidden, mask, spec=bundle.spec)
    return Found(*map(np.asarray, found))


def classify(bundle: Bundle, features: Sequence[np.ndarray]) -> Found:
    """Classifies utterances.

    Args:
      features: [T, D] float32 of each utterance, as they were extracted.

    Raises:
      InputError: an utterance of another number of features, or without a frame.
    """
    for number, frames in enumerate(features):
        if frames.ndim != 2 or frames.shape[1] != len(bundle.mean) or not len(frames):
            raise InputError(
                f"utterance {number}: features of shape {frames.shape}, expected "
                f"[frames, {len(bundle.mean)}]"
            )
    if not features:
        sizes = bundle.params.kernel.shape
        return Found(*(np.empty((0, size), np.float32) for size in sizes))
    # Utterances of similar length walk together.
    order = np.argsort([-len(frames) for frames in features], kind="stable")
    groups = [order[i : i + ROWS] for i in range(0, len(order), ROWS)]
    found = [_together(bundle, [features[n] for n in group]) for group in groups]
    back = np.argsort(order, kind="stable")
    return Found(*(np.concatenate(part)[back] for part in zip(*found, strict=True)))


def _together(bundle: Bundle, features: Sequence[np.ndarray]) -> Found:
    longest = max(map(len, features))
    frames = np.zeros((longest, ROWS, len(bundle.mean)), np.float32)
    mask = np.zeros((longest, ROWS), bool)
    for row, one in enumerate(features):
        frames[: len(one), row], mask[: len(one), row] = one, True
    found = finish(bundle, advance(bundle, start(bundle, ROWS), frames, mask))
    return Found(*(part[: len(features)] for part in found))


@partial(jax.jit, static_argnames="spec")
def _advance(
    params: model.Params,
    scaler: tuple[Array, Array],
    carry: model.Carry,
    frames: Array,
    mask: Array,
    *,
    spec: Spec,
) -> tuple[model.Carry, PyTree]:
    mean, scale = scaler
    frames = masking.clean((frames - mean) * scale, mask)
    run = model.run(params, carry, frames, mask)
    return model.chunk(params, spec, carry, frames, mask, run)


@partial(jax.jit, static_argnames="spec")
def _finish(
    params: model.Params,
    carry: model.Carry,
    hidden: PyTree,
    mask: Array,
    *,
    spec: Spec,
) -> tuple[Array, Array]:
    embedding, logits = model.finish(params, spec, carry, hidden, mask)
    return embedding, jax.nn.softmax(logits)
