"""From utterances and their features to one Dataset, and from it to minibatches."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from vladser.errors import InputError
from vladser.features import packed
from vladser.features.packed import Packed
from vladser.types import Array, Buffer, Dataset, Utterance


class Moments(NamedTuple):
    """Count, mean and sum of squared deviations of frames, one row an utterance, from
    which those of any set of utterances follow without cancellation (Chan et al. 1979).
    """

    count: np.ndarray  # type: ignore[assignment]  # [N]; hides tuple.count
    mean: np.ndarray  # [N, D] float64
    squares: np.ndarray  # [N, D] float64


def build(
    utterances: Sequence[Utterance],
    features: Mapping[str, np.ndarray],
    emotions: Sequence[str],
    feature_set: str,
) -> Dataset:
    """Puts a corpus into one frame buffer.

    Args:
      utterances: their emotions are among `emotions`.
      features: [T, D] float32 by utterance id, T at least 1; where they are Packed in
        the order of the utterances, their buffer is taken as it is, mapped or not.
      emotions: the classes, in the order of their labels.
      feature_set: what the D columns are.

    Raises:
      InputError: no utterance, or utterances that differ in D.
    """
    if not utterances:
        raise InputError("the corpus has no utterance to train on")
    names = [utterance.id for utterance in utterances]
    if not isinstance(features, Packed) or list(features) != names:
        features = packed.join({name: features[name] for name in names})
    speakers = tuple(sorted({u.speaker for u in utterances}))
    sessions = tuple(sorted({u.session for u in utterances if u.session is not None}))
    emotions = tuple(emotions)
    return Dataset(
        frames=features.frames,
        offset=features.offset,
        length=features.length,
        label=np.array([emotions.index(u.emotion) for u in utterances]),
        speaker=np.array([speakers.index(u.speaker) for u in utterances]),
        session=np.array(
            [-1 if u.session is None else sessions.index(u.session) for u in utterances]
        ),
        split=np.array([u.split or "" for u in utterances]),
        utterances=tuple(names),
        emotions=emotions,
        speakers=speakers,
        sessions=sessions,
        feature_set=feature_set,
    )


def moments(dataset: Dataset) -> Moments:
    """The moments of each utterance, in float64: spectral descriptors reach 6e6, where
    float32 would lose the digits that the variance is made of."""
    mean = np.empty((len(dataset.length), dataset.frames.shape[1]))
    squares = np.empty_like(mean)
    for n in range(len(dataset.length)):
        frames = _frames(dataset, n).astype(np.float64)
        mean[n] = frames.mean(axis=0)
        squares[n] = ((frames - mean[n]) ** 2).sum(axis=0)
    return Moments(dataset.length, mean, squares)


def scaler(moments: Moments, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and 1 / standard deviation, [D] float32 each, of the frames of `rows` alone.

    A column that is constant over them (digital silence has such) is only centered.
    """
    count, mean, squares = (part[rows] for part in moments)
    weight = count[:, None] / count.sum()
    center = (weight * mean).sum(axis=0)
    within = squares.sum(axis=0) / count.sum()
    variance = within + (weight * (mean - center) ** 2).sum(axis=0)
    # Within what float32 can tell apart at that size.
    constant = variance <= (np.finfo(np.float32).eps * center) ** 2
    scale = np.where(constant, 1.0, np.where(constant, 1.0, variance) ** -0.5)
    return center.astype(np.float32), scale.astype(np.float32)


def standardize_by_speaker(dataset: Dataset) -> Dataset:
    """Each speaker's frames in units of that speaker's own frames, test speakers
    included: transductive, since it needs many utterances of whoever is tested."""
    frames = packed.aligned_zeros(*dataset.frames.shape)
    of_utterances = moments(dataset)
    for speaker in range(len(dataset.speakers)):
        rows = np.flatnonzero(dataset.speaker == speaker)
        mean, scale = scaler(of_utterances, rows)
        for n in rows:
            part = slice(dataset.offset[n], dataset.offset[n] + dataset.length[n])
            frames[part] = (dataset.frames[part] - mean) * scale
    return replace(dataset, frames=frames)


def to_device(
    dataset: Dataset, sharding: jax.sharding.Sharding | None = None
) -> Buffer:
    """Puts what training needs on the device."""
    buffer = Buffer(
        dataset.frames,
        dataset.offset.astype(np.int32),
        dataset.length.astype(np.int32),
        dataset.label.astype(np.int32),
    )
    return jax.device_put(buffer, sharding)


def gather(
    buffer: Buffer, rows: Array, start: ArrayLike, length: int
) -> tuple[Array, Array]:
    """Some frames of some utterances.

    Args:
      rows: [B] int, utterances; -1 is an empty row.
      start: [] the first frame of each.
      length: T, how many.

    Returns:
      frames [T, B, D], and their `mask`; what that leaves out may hold anything.
    """
    chex.assert_rank(rows, 1)
    time = start + jnp.arange(length)[:, None]
    # Past the utterance lies another, or zeros, or jax reads the last frame once more:
    # cheaper than to avoid it.
    frames = buffer.frames[buffer.offset[jnp.maximum(rows, 0)] + time]
    return frames, mask(buffer, rows, start, length)


def mask(buffer: Buffer, rows: Array, start: ArrayLike, length: int) -> Array:
    """Which of the frames that `gather` gives are those of the utterances, [T, B]."""
    time = start + jnp.arange(length)[:, None]
    return (rows >= 0) & (time < buffer.length[jnp.maximum(rows, 0)])


def _frames(dataset: Dataset, row: int) -> np.ndarray:
    start = dataset.offset[row]
    return dataset.frames[start : start + dataset.length[row]]


def digest(dataset: Dataset) -> str:
    """SHA-256 of everything a training depends on, in hexadecimal."""
    found = hashlib.sha256()
    for field in fields(dataset):
        value = getattr(dataset, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind != "U":
            found.update(f"{field.name} {value.dtype} {value.shape}".encode())
            found.update(np.ascontiguousarray(value).data)
        else:
            value = value.tolist() if isinstance(value, np.ndarray) else value
            found.update(f"{field.name} {value!r}".encode())
    return found.hexdigest()
