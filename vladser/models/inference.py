"""Classifying with a trained model: whole utterances, or as they are spoken.

A walk through utterances is `start`, `advance` by some frames as often as there are
more, `finish` at any time: what that gives does not depend on how the frames were cut.
One compiled program serves all lengths if the model streams.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import masking, merging, model, registry
from vladser.data import cutting
from vladser.engine import reading
from vladser.errors import InputError
from vladser.models.bundle import Bundle
from vladser.types import Array, PyTree

WIDTH = 32  # frames that the program takes at once
ROWS = 8  # utterances; arrays of these sizes stay in the cache of a CPU's core


class Walk(NamedTuple):
    """The state after some frames of B utterances."""

    carry: model.Carry
    # For a model that cannot stream: what `model.finish` is to see, and the masks.
    seen: tuple[PyTree, ...] = ()
    mask: tuple[Array, ...] = ()


class Result(NamedTuple):
    """What the model makes of B utterances."""

    embedding: np.ndarray  # [B, V] the utterance-level representation
    probabilities: np.ndarray  # [B, classes]


def at_once(longest: int) -> tuple[int, int]:
    """Returns how many utterances, and frames of them, the device takes at once of
    those that have `longest` frames or fewer: few that stay in its cache, on a CPU;
    elsewhere all frames of many, by one program for all lengths up to a power of two.
    """
    if jax.default_backend() == "cpu":
        return ROWS, WIDTH
    return 8 * ROWS, max(2 * WIDTH, 1 << (longest - 1).bit_length())


def start(bundle: Bundle, batch: int) -> Walk:
    """Returns the state before the first frame of `batch` utterances."""
    return Walk(model.start(bundle.params, bundle.spec, batch))


def advance(
    bundle: Bundle, walk: Walk, frames: np.ndarray, mask: np.ndarray, width: int = WIDTH
) -> Walk:
    """Takes in more frames, [T, B, D] float32 as they were extracted, `width` at once;
    they may hold anything where the mask [T, B] is False."""
    for begin in range(0, len(frames), width):
        part, kept = frames[begin : begin + width], mask[begin : begin + width]
        short = width - len(part)
        part = np.pad(part, ((0, short), (0, 0), (0, 0)))
        kept = np.pad(kept, ((0, short), (0, 0)))
        scaler = bundle.mean, bundle.scale
        carry, seen = _advance(
            bundle.params, scaler, walk.carry, part, kept, spec=bundle.spec
        )
        walk = walk._replace(carry=carry)
        if not isinstance(seen, tuple):
            walk = walk._replace(seen=(*walk.seen, seen), mask=(*walk.mask, kept))
    return walk


def finish(bundle: Bundle, walk: Walk) -> Result:
    """Classifies the frames so far, at least one unless the model streams; the walk may
    go on after it. The utterances are whole, see `classify` for those in pieces."""
    return _read_out(bundle, _of_pieces(bundle, walk))


def classify(
    bundle: Bundle,
    features: Sequence[np.ndarray],
    energy: Sequence[np.ndarray | None] = (),
) -> Result:
    """Classifies utterances.

    Args:
      bundle: the model.
      features: [T, D] float32 of each, as they were extracted.
      energy: [T] of the frames of each, for a model of pieces that look at it.

    Returns:
      The probabilities, and the representations, averaged over the pieces.

    Raises:
      InputError: an utterance of another number of features, or without a frame, or
        without the energy of each where the pieces look at it.
    """
    dim, known = len(bundle.mean), energy or [None] * len(features)
    for number, (frames, of) in enumerate(zip(features, known, strict=True)):
        if frames.ndim != 2 or frames.shape[1] != dim or not len(frames):
            raise InputError(
                f"utterance {number}: expected features [frames, {dim}], got "
                f"{list(frames.shape)}"
            )
        if of is not None and of.shape != frames.shape[:1]:
            raise InputError(
                f"utterance {number}: expected energy [{len(frames)}], got "
                f"{list(of.shape)}"
            )
    if not features:
        sizes = model.sizes(bundle.spec)[1], len(bundle.emotions)
        return Result(*(np.empty((0, size), np.float32) for size in sizes))
    pieces, parent = list[np.ndarray](), list[int]()
    for number, (frames, of) in enumerate(zip(features, known, strict=True)):
        spans = cutting.spans(bundle.condition.pieces, len(frames), of)
        pieces += [frames[first : first + length] for first, length in spans]
        parent += [number] * len(spans)
    # Pieces of similar length walk together.
    order = np.argsort([-len(frames) for frames in pieces], kind="stable")
    rows, _ = at_once(0)
    groups = [order[i : i + rows] for i in range(0, len(order), rows)]
    results = []
    for group in groups:
        longest = len(pieces[group[0]])
        frames = np.zeros((longest, rows, dim), np.float32)
        mask = np.zeros((longest, rows), bool)
        for row, n in enumerate(group):
            frames[: len(pieces[n]), row] = pieces[n]
            mask[: len(pieces[n]), row] = True
        walk = start(bundle, rows)
        walk = advance(bundle, walk, frames, mask, at_once(longest)[1])
        results.append([part[: len(group)] for part in _of_pieces(bundle, walk)])
    back = np.argsort(order, kind="stable")
    whole = (np.concatenate(part)[back] for part in zip(*results, strict=True))
    return _read_out(bundle, Result(*whole), np.array(parent))


def _of_pieces(bundle: Bundle, walk: Walk) -> Result:
    """Returns what the network makes of the frames so far."""
    seen: PyTree = ()
    mask: PyTree = ()
    if not model.streams(bundle.spec):
        seen, mask = jnp.concatenate(walk.seen), np.concatenate(walk.mask)
    results = _finish(bundle.params, walk.carry, seen, mask, spec=bundle.spec)
    return Result(*map(np.asarray, results))


def _read_out(
    bundle: Bundle, found: Result, parent: np.ndarray | None = None
) -> Result:
    """Returns what the readout makes of pieces, which by default are utterances."""
    readout = registry.readouts.build(bundle.condition.readout)
    if parent is None:
        parent = np.arange(len(found.embedding))
    count = int(parent[-1]) + 1
    values = found.embedding if readout.representations else found.probabilities
    vectors = readout.describe(values, parent, count)
    classes = len(bundle.emotions)
    said = reading.conclude(readout, bundle.fitted, vectors, classes)
    merged = merging.mean(found.embedding, parent, count)
    return Result(merged.astype(np.float32), said.astype(np.float32))


@partial(jax.jit, static_argnames="spec")
def _advance(params, scaler, carry, frames, mask, *, spec):
    mean, scale = scaler
    frames = masking.clean((frames - mean) * scale, mask)
    with model.compiled_for(jax.default_backend(), spec):
        saved = model.residuals(params, spec, carry, frames, mask)
        return model.update(params, spec, carry, frames, mask, saved)


@partial(jax.jit, static_argnames="spec")
def _finish(params, carry, seen, mask, *, spec):
    with model.compiled_for(jax.default_backend(), spec):
        embedding, logits = model.finish(params, spec, carry, seen, mask)
    return embedding, jax.nn.softmax(logits)
