"""Features of many utterances, end to end in one buffer."""

from collections.abc import Iterator, Mapping

import numpy as np

from vladser.errors import InputError


class Packed(Mapping[str, np.ndarray]):
    """Features [T, D] by utterance id: views of one buffer, in which they lie in order.

    Attributes:
      frames: [F + longest, D] float32, all utterances end to end, then zeros, so that a
        slice that starts at the last utterance never runs out of the buffer.
      offset, length: [N] int64, the first frame and the frame count of each utterance.
    """

    def __init__(self, frames: np.ndarray, lengths: Mapping[str, int]):
        self.frames = frames
        self.length = np.array([*lengths.values()], np.int64)
        self.offset = np.cumsum(self.length) - self.length
        self._row = {name: row for row, name in enumerate(lengths)}

    def __getitem__(self, name: str) -> np.ndarray:
        row = self._row[name]
        return self.frames[self.offset[row] : self.offset[row] + self.length[row]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)


def join(features: Mapping[str, np.ndarray]) -> Packed:
    """Copies features [T, D], T at least 1, into one buffer in memory.

    Raises:
      InputError: they differ in D.
    """
    lengths = {name: len(array) for name, array in features.items()}
    shapes = {name: array.shape for name, array in features.items()}
    first = next(iter(shapes), "")
    columns = shapes[first][-1] if shapes else 0
    for name, shape in shapes.items():
        if len(shape) != 2 or shape[1] != columns or not shape[0]:
            raise InputError(
                f"{name}: features of shape {shape}, expected [frames, {columns}] "
                f"like those of {first}"
            )
    packed = Packed(aligned_zeros(rows(lengths), columns), lengths)
    for name, array in features.items():
        packed[name][:] = array
    return packed


def rows(lengths: Mapping[str, int]) -> int:
    """F + longest: the frames of a buffer."""
    return sum(lengths.values()) + max(lengths.values(), default=0)


def aligned_zeros(*shape: int) -> np.ndarray:
    """float32 zeros at an address from which jax's CPU devices, however many, read them
    in place: elsewhere than at a multiple of 64 bytes each would make a copy."""
    size = int(np.prod(shape))
    spare = np.zeros(size + 16, np.float32)
    start = -spare.ctypes.data % 64 // 4
    return spare[start : start + size].reshape(shape)
