"""Features of many utterances, end to end in one buffer, or in their files as if they
were."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy

from vladser import machine
from vladser.errors import InputError

MOST = 0.5  # of the machine's memory, that a corpus may take


class Columns(NamedTuple):
    """Some of the columns of the features in a file."""

    file: Path
    columns: Sequence[int]


Source = np.ndarray | Path | Columns  # of the features of an utterance


class Unread:
    """The buffer of many utterances, none of which is in memory: it is sliced like an
    array float32 [F + longest, D], within one utterance at a time.

    Attributes:
      shape: of that array.
    """

    def __init__(self, length: np.ndarray, dim: int, read: Callable[[int], np.ndarray]):
        """Takes the frames [N] of the utterances, D, and what returns the features
        [T, D] of one by its number."""
        self.shape = _rows(length), dim
        self._offset, self._read = np.cumsum(length) - length, read

    def __getitem__(self, part: slice) -> np.ndarray:
        number = np.searchsorted(self._offset, part.start, side="right") - 1
        first = self._offset[number]
        frames = self._read(int(number))[part.start - first : part.stop - first]
        return np.asarray(frames, np.float32)


class Packed(dict[str, Source]):
    """Features [T, D] by utterance id: views of one buffer, in which they lie in order,
    or their files.

    Attributes:
      frames: [F + longest, D] float32; at the end zeros, so that a slice from the last
        utterance never runs out of the buffer.
      offset, length: [N] int64, the first frame and the frame count of each utterance.
    """

    def __init__(
        self,
        features: Mapping[str, Source],
        frames: np.ndarray | Unread,
        length: np.ndarray,
    ):
        self.frames, self.length = frames, length
        self.offset = np.cumsum(length) - length
        for name, start, count in zip(features, self.offset, length, strict=True):
            in_memory = isinstance(frames, np.ndarray)
            self[name] = frames[start : start + count] if in_memory else features[name]


def join(features: Mapping[str, Source], most: float = MOST) -> Packed:
    """Joins features, floats [T, D] with T at least 1.

    Args:
      features: arrays, or .npy files.
      most: of the machine's memory, that they may take. They are copied into one buffer
        if they take no more, and otherwise read whenever they are looked at.

    Raises:
      InputError: they differ in D, or a file is no longer there.
    """
    shapes = {name: _shape(value) for name, value in features.items()}
    first = next(iter(shapes), "")
    dim = shapes[first][-1] if shapes else 0
    for name, shape in shapes.items():
        if len(shape) != 2 or shape[1] != dim or not shape[0]:
            raise InputError(
                f"{name}: features of shape {shape}, expected [frames, {dim}] "
                f"like those of {first}"
            )
    length = np.array([shape[0] for shape in shapes.values()], np.int64)
    read = partial(_load, [*features.values()], [*shapes.values()])
    if fits(4 * _rows(length) * dim, most):
        return Packed(features, buffer(length, dim, read), length)
    return Packed(features, Unread(length, dim, read), length)


def fits(size: int, most: float = MOST) -> bool:
    """Returns whether bytes take at most that share of the machine's memory."""
    return size <= most * machine.memory()


def buffer(
    length: np.ndarray, dim: int, read: Callable[[int], np.ndarray]
) -> np.ndarray:
    """Returns what `Unread` of the same arguments stands for."""
    frames, start = aligned_zeros(_rows(length), dim), 0
    for number, count in enumerate(length.tolist()):
        frames[start : start + count] = read(number)
        start += count
    return frames


def load(features: Source) -> np.ndarray:
    """Returns an array, or reads that of a file; raises InputError where it is gone."""
    if isinstance(features, np.ndarray):
        return features
    if isinstance(features, Columns):
        return load(features.file)[:, features.columns]
    with _used(features):
        return np.load(features, allow_pickle=False)


def aligned_zeros(*shape: int) -> np.ndarray:
    """Returns float32 zeros at a multiple of 64 bytes: jax's CPU devices, however many,
    read them in place, and elsewhere each would make a copy."""
    size = int(np.prod(shape))
    spare = np.zeros(size + 16, np.float32)
    start = -spare.ctypes.data % 64 // 4
    return spare[start : start + size].reshape(shape)


def _load(
    features: Sequence[Source], shapes: Sequence[tuple[int, ...]], number: int
) -> np.ndarray:
    source = features[number]
    frames = load(source)
    if frames.shape != shapes[number]:
        file = source.file if isinstance(source, Columns) else source
        raise InputError(f"{file} was changed while it was used: run it again")
    return frames


def _shape(features: Source) -> tuple[int, ...]:
    """Returns the shape of an array, or of that of a file, of which it reads the header
    alone."""
    if isinstance(features, np.ndarray):
        return features.shape
    if isinstance(features, Columns):
        frames, *_ = _shape(features.file)
        return frames, len(features.columns)
    with _used(features), features.open("rb") as file:
        first = npy.read_magic(file) == (1, 0)
        read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
        return read(file)[0]


@contextmanager
def _used(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, EOFError):
        raise InputError(
            f"{file} was damaged or removed while it was used, or is not on this "
            "machine: run it again"
        ) from None


def _rows(length: np.ndarray) -> int:
    return int(length.sum() + length.max(initial=0))
