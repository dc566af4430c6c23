"""Features of many utterances, end to end in one buffer, or in their files as if they
were."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from vladser import machine
from vladser.errors import InputError

MOST = 0.5  # of the machine's memory, that a corpus may take


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


class Packed(dict[str, np.ndarray | Path]):
    """Features [T, D] by utterance id: views of one buffer, in which they lie in order,
    or their files.

    Attributes:
      frames: [F + longest, D] float32; at the end zeros, so that a slice from the last
        utterance never runs out of the buffer.
      offset, length: [N] int64, the first frame and the frame count of each utterance.
    """

    def __init__(
        self,
        features: Mapping[str, np.ndarray | Path],
        frames: np.ndarray | Unread,
        length: np.ndarray,
    ):
        self.frames, self.length = frames, length
        self.offset = np.cumsum(length) - length
        for name, start, count in zip(features, self.offset, length, strict=True):
            in_memory = isinstance(frames, np.ndarray)
            self[name] = frames[start : start + count] if in_memory else features[name]


def join(
    features: Mapping[str, np.ndarray | Path], in_memory: bool | None = None
) -> Packed:
    """Joins features, floats [T, D] with T at least 1.

    Args:
      features: arrays, or .npy files.
      in_memory: whether they are copied into one buffer, or read whenever they are
        looked at; by default they are copied if they take at most MOST of the memory.

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
    if in_memory is None:
        in_memory = 4 * _rows(length) * dim <= MOST * machine.memory()
    read = partial(_load, [*features.values()])
    if in_memory:
        return Packed(features, buffer(length, dim, read), length)
    return Packed(features, Unread(length, dim, read), length)


def buffer(
    length: np.ndarray, dim: int, read: Callable[[int], np.ndarray]
) -> np.ndarray:
    """Returns what `Unread` of the same arguments stands for."""
    frames, start = aligned_zeros(_rows(length), dim), 0
    for number, count in enumerate(length.tolist()):
        frames[start : start + count] = read(number)
        start += count
    return frames


def load(features: np.ndarray | Path) -> np.ndarray:
    """Returns an array, or reads that of a file; raises InputError where it is gone."""
    if isinstance(features, np.ndarray):
        return features
    with _used(features):
        return np.load(features, allow_pickle=False)


def aligned_zeros(*shape: int) -> np.ndarray:
    """Returns float32 zeros at a multiple of 64 bytes: jax's CPU devices, however many,
    read them in place, and elsewhere each would make a copy."""
    size = int(np.prod(shape))
    spare = np.zeros(size + 16, np.float32)
    start = -spare.ctypes.data % 64 // 4
    return spare[start : start + size].reshape(shape)


def _load(features: Sequence[np.ndarray | Path], number: int) -> np.ndarray:
    return load(features[number])


def _shape(features: np.ndarray | Path) -> tuple[int, ...]:
    """Returns the shape of an array, or of that of a file, of which it reads the header
    alone."""
    if isinstance(features, np.ndarray):
        return features.shape
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
