"""From utterances and their features to one Dataset, and from it to minibatches."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from vladser import machine
from vladser.errors import InputError
from vladser.features import packed
from vladser.features.packed import Packed, Unread
from vladser.types import Array, Buffer, Dataset, PyTree, Utterance


class Moments(NamedTuple):
    """Count, mean and sum of squared deviations of the frames of groups of utterances;
    those of several groups follow without cancellation (Chan, Golub, LeVeque 1979,
    Updating formulae and a pairwise algorithm for computing sample variances)."""

    group: np.ndarray  # [N] int, of each utterance
    count: np.ndarray  # type: ignore[assignment]  # [G]; hides tuple.count
    mean: np.ndarray  # [G, D] float64
    squares: np.ndarray  # [G, D] float64


def build(
    utterances: Sequence[Utterance],
    features: Mapping[str, packed.Source],
    emotions: Sequence[str],
    feature_set: str,
    energy: Mapping[str, np.ndarray] | None = None,
) -> Dataset:
    """Puts a corpus into one frame buffer.

    Args:
      utterances: their emotions are among `emotions`.
      features: [T, D] float32 by utterance id, T at least 1; where they are Packed in
        the order of the utterances, their buffer is taken as it is, in memory or not.
      emotions: the classes, in the order of their labels.
      feature_set: what the D columns are.
      energy: [T] of the frames by utterance id; none if pieces do not look at it.

    Raises:
      InputError: no utterance, or utterances that differ in D.
    """
    if not utterances:
        raise InputError("the corpus has no utterance to train on")
    names = [utterance.id for utterance in utterances]
    if not isinstance(features, Packed) or list(features) != names:
        unread = isinstance(features, Packed) and isinstance(features.frames, Unread)
        most = 0 if unread else packed.MOST
        features = packed.join({name: features[name] for name in names}, most)
    speakers = tuple(sorted({u.speaker for u in utterances}))
    sessions = tuple(sorted({u.session for u in utterances if u.session}))
    of_speaker, of_session = (
        {name: code for code, name in enumerate(names)}
        for names in (speakers, sessions)
    )
    return Dataset(
        frames=features.frames,
        offset=features.offset,
        length=features.length,
        label=np.array([emotions.index(u.emotion) for u in utterances]),
        speaker=np.array([of_speaker[u.speaker] for u in utterances]),
        session=np.array(
            [of_session[u.session] if u.session else -1 for u in utterances]
        ),
        split=np.array([u.split or "" for u in utterances]),
        # None becomes NaN.
        views=np.array([(u.activation, u.valence) for u in utterances], np.float32),
        utterances=tuple(names),
        emotions=tuple(emotions),
        speakers=speakers,
        sessions=sessions,
        feature_set=feature_set,
        energy=np.concatenate([energy[name] for name in names]) if energy else None,
    )


def moments(dataset: Dataset, sets: Iterable[np.ndarray]) -> Moments:
    """Returns the moments of the largest groups that each of some sets of utterances
    holds whole or not at all. They are float64: spectral descriptors reach 6e6, where
    float32 would lose the digits that the variance is made of."""
    # A random number a set; what is in the same sets comes to the same sum.
    draw, mark = np.random.default_rng(0), np.zeros(len(dataset.length), np.uint64)
    for rows in sets:
        mark[rows] += draw.integers(2**64, dtype=np.uint64)
    _, group = np.unique(mark, return_inverse=True)
    count = np.zeros(group.max() + 1, np.int64)
    mean, squares = np.zeros((2, len(count), dataset.frames.shape[1]))

    def of_utterance(row: int) -> tuple[np.ndarray, np.ndarray]:
        frames = dataset.frames[_place(dataset, row)].astype(np.float64)
        center = frames.mean(axis=0)
        frames -= center
        return center, np.square(frames, out=frames).sum(axis=0)

    each = machine.spread(of_utterance, len(group))
    for g, here, (center, inside) in zip(group, dataset.length, each, strict=True):
        before, count[g] = count[g], count[g] + here
        shift = center - mean[g]
        mean[g] += shift * (here / count[g])
        squares[g] += inside + shift**2 * (before * here / count[g])
    return Moments(group, count, mean, squares)


def scaler(moments: Moments, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and 1 / standard deviation, [D] float32 each, of the frames of one
    of the sets of `moments`. A column that is constant over them (digital silence has
    such) is only centered."""
    groups = np.unique(moments.group[rows])
    count, mean, squares = (part[groups] for part in moments[1:])
    weight = count[:, None] / count.sum()
    center = (weight * mean).sum(axis=0)
    within = squares.sum(axis=0) / count.sum()
    variance = within + (weight * (mean - center) ** 2).sum(axis=0)
    # Within what float32 can tell apart at that size.
    constant = variance <= (np.finfo(np.float32).eps * center) ** 2
    scale = np.where(constant, 1.0, variance) ** -0.5
    return center.astype(np.float32), scale.astype(np.float32)


def standardize_by_speaker(dataset: Dataset) -> Dataset:
    """Standardizes each speaker by their own frames, test speakers included: this is
    transductive, since it needs many utterances of whoever is tested."""
    codes = range(len(dataset.speakers))
    sets = [np.flatnonzero(dataset.speaker == code) for code in codes]
    of_groups = moments(dataset, sets)
    scalers = [scaler(of_groups, rows) for rows in sets]
    frames = dataset.frames
    # Those that are not standardized stay where they are.
    twice = isinstance(frames, np.ndarray) and packed.fits(2 * frames.nbytes)
    make = packed.buffer if twice else packed.Unread
    how = dataset.length, dataset.frames.shape[1], partial(_own, dataset, scalers)
    return replace(dataset, frames=make(*how))


def _own(
    dataset: Dataset, scalers: Sequence[tuple[np.ndarray, np.ndarray]], row: int
) -> np.ndarray:
    """Returns an utterance, standardized by its speaker."""
    mean, scale = scalers[dataset.speaker[row]]
    return (dataset.frames[_place(dataset, row)] - mean) * scale


def to_device(dataset: Dataset, where: PyTree = None) -> Buffer:
    """Puts what training needs on the device, or on those of a buffer of shardings."""
    assert isinstance(dataset.frames, np.ndarray)
    codes = dataset.offset, dataset.length, dataset.label, levels(dataset.views)
    buffer = Buffer(dataset.frames, *(code.astype(np.int32) for code in codes))
    return jax.device_put(buffer, where)


def window(
    dataset: Dataset, rows: np.ndarray, count: int, frames: int, where: PyTree = None
) -> Buffer:
    """Puts some utterances on the device, in the place of `to_device`.

    Args:
      dataset: whose other frames are not read.
      rows: [R] int, the utterances; they become the first of the buffer.
      count, frames: how many utterances and frames the buffer has; R and theirs, or
        more.
      where: as in `to_device`.
    """
    spare = count - len(rows)
    length = np.pad(dataset.length[rows], (0, spare))
    offset = np.cumsum(length) - length
    buffer = packed.aligned_zeros(frames, dataset.frames.shape[1])
    for row, start, size in zip(rows.tolist(), offset, length, strict=False):
        buffer[start : start + size] = dataset.frames[_place(dataset, row)]
    return to_device(
        replace(
            dataset,
            frames=buffer,
            offset=offset,
            length=length,
            label=np.pad(dataset.label[rows], (0, spare)),
            views=np.pad(dataset.views[rows], ((0, spare), (0, 0))),
        ),
        where,
    )


def levels(views: np.ndarray) -> np.ndarray:
    """Returns the levels of activation and valence, from 1 to 5: 0 is low, up to 2; 2
    is high, from 4 on; 1 is between them, and -1 stands for NaN.

    Three levels are as in Neumann and Vu 2017, "Attentive Convolutional Neural Network
    Based Speech Emotion Recognition" (the cuts are from memory).
    """
    return np.where(np.isnan(views), -1, 0 + (views > 2) + (views >= 4)).astype(int)


def gather(
    buffer: Buffer, rows: Array, start: ArrayLike, length: int
) -> tuple[Array, Array]:
    """Gathers frames of some utterances.

    Args:
      buffer: the corpus on the device.
      rows: [B] int, utterances; -1 is an empty row.
      start: [] the first frame of each.
      length: T, how many.

    Returns:
      frames [T, B, D], and their `mask`; what that leaves out may hold anything.
    """
    time = start + jnp.arange(length)[:, None]
    # Past the utterance lies another, or zeros, or jax reads the last frame once more:
    # cheaper than to avoid it.
    frames = buffer.frames[buffer.offset[jnp.maximum(rows, 0)] + time]
    return frames, mask(buffer, rows, start, length)


def mask(buffer: Buffer, rows: Array, start: ArrayLike, length: int) -> Array:
    """Returns which of the frames of `gather` are those of the utterances, [T, B]."""
    time = start + jnp.arange(length)[:, None]
    return (rows >= 0) & (time < buffer.length[jnp.maximum(rows, 0)])


def _place(dataset: Dataset, row: int) -> slice:
    """Returns where the frames of an utterance lie."""
    return slice(dataset.offset[row], dataset.offset[row] + dataset.length[row])


@lru_cache(maxsize=8)
def digests(dataset: Dataset) -> list[bytes]:
    """Returns the SHA-256 of the frames of each utterance."""

    def of_utterance(row: int) -> bytes:
        frames = np.ascontiguousarray(dataset.frames[_place(dataset, row)])
        return hashlib.sha256(frames.data).digest()

    return [*machine.spread(of_utterance, len(dataset.length))]


def digest(dataset: Dataset) -> str:
    """Returns the SHA-256 of everything a training depends on, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in vars(dataset).items():
        if value is None:
            continue
        if isinstance(value, tuple | str):
            digest.update(f"{name} {value!r}".encode())
        elif name == "frames":
            digest.update(f"{name} {value.shape}".encode())
            digest.update(b"".join(digests(dataset)))
        elif value.dtype.kind == "U":
            digest.update(f"{name} {value.tolist()!r}".encode())
        else:
            digest.update(f"{name} {value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()
