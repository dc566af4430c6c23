"""Features of many utterances, end to end in one buffer."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from vladser.errors import InputError


class Packed(dict[str, np.ndarray]):
    """Features [T, D] by utterance id: views of one buffer, in which they lie in order.

    Attributes:
      frames: [F + longest, D] float32; at the end zeros, so that a slice from the last
        utterance never runs out of the buffer.
      offset, length: [N] int64, the first frame and the frame count of each utterance.
    """

    def __init__(self, frames: np.ndarray, lengths: Mapping[str, int]):
        self.frames = frames
        self.length = np.array([*lengths.values()], np.int64)
        self.offset = np.cumsum(self.length) - self.length
        for name, start, length in zip(lengths, self.offset, self.length, strict=True):
            self[name] = frames[start : start + length]


def join(features: Mapping[str, np.ndarray | Path]) -> Packed:
    """Copies features, floats [T, D] with T at least 1, into one buffer.

    Args:
      features: arrays, or .npy files, which are mapped only while they are copied.

    Raises:
      InputError: they differ in D, or a file is no longer there.
    """
    shapes = {name: load(value).shape for name, value in features.items()}
    first = next(iter(shapes), "")
    columns = shapes[first][-1] if shapes else 0
    for name, shape in shapes.items():
        if len(shape) != 2 or shape[1] != columns or not shape[0]:
            raise InputError(
                f"{name}: features of shape {shape}, expected [frames, {columns}] "
                f"like those of {first}"
            )
    lengths = {name: shape[0] for name, shape in shapes.items()}
    rows = sum(lengths.values()) + max(lengths.values(), default=0)
    packed = Packed(aligned_zeros(rows, columns), lengths)
    for name, value in features.items():
        packed[name][:] = load(value)
    return packed


def load(features: np.ndarray | Path) -> np.ndarray:
    """Returns an array, or maps that of a file; raises InputError where it is gone."""
    if isinstance(features, np.ndarray):
        return features
    # A private map, since some file systems refuse shared ones ("r"); a plain array,
    # since numpy is slow at slices of a memmap.
    try:
        return np.asarray(open_memmap(features, "c"))
    except (OSError, ValueError):
        raise InputError(
            f"{features} was damaged or removed while it was used: run it again"
        ) from None


def aligned_zeros(*shape: int) -> np.ndarray:
    """Returns float32 zeros at a multiple of 64 bytes: jax's CPU devices, however many,
    read them in place, and elsewhere each would make a copy."""
    size = int(np.prod(shape))
    spare = np.zeros(size + 16, np.float32)
    start = -spare.ctypes.data % 64 // 4
    return spare[start : start + size].reshape(shape)
