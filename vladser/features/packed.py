"""Features of many utterances, end to end in one buffer."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from vladser.errors import InputError

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{'descr': '([<>|][a-z]\d+)', 'fortran_order': (True|False), "
    rb"'shape': \(([\d, ]*)\), \} *\n"
)


def mapped(path: Path) -> np.memmap:
    """Maps the array of a .npy file that np.save wrote.

    np.load has the header parsed by `ast`, and in Python 3.11 one thread may not do so
    while another does.

    Raises:
      OSError, ValueError: it cannot be read, or is no such file.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    begin = 10 if start[6:7] == b"\1" else 12  # by the version
    end = begin + int.from_bytes(start[8:begin], "little")
    header = _HEADER.fullmatch(start[begin:end])
    if header is None or not start.startswith(_MAGIC):
        raise ValueError("is no .npy file as np.save writes it")
    shape = tuple(int(number) for number in header[3].split(b",") if number.strip())
    try:
        order: Literal["F", "C"] = "F" if header[2] == b"True" else "C"
        return np.memmap(path, header[1].decode(), "r", end, shape, order)
    except (TypeError, OverflowError, ValueError):  # ValueError: of more than is there
        raise ValueError("is no whole .npy file") from None


class Packed(dict[str, np.ndarray]):
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
        for name, start, length in zip(lengths, self.offset, self.length, strict=True):
            self[name] = frames[start : start + length]


def join(features: Mapping[str, np.ndarray | Path]) -> Packed:
    """Copies features, floats [T, D] with T at least 1, into one buffer.

    Args:
      features: arrays, or .npy files, which are mapped only while they are copied.

    Raises:
      InputError: they differ in D, or a file is no longer there.
    """
    shapes = {name: _array(value).shape for name, value in features.items()}
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
        packed[name][:] = _array(value)
    return packed


def load(path: Path) -> np.ndarray:
    """Maps the array of a file that was checked before.

    Raises:
      InputError: it is no longer there.
    """
    try:  # a plain array, since numpy is slow at slices of a memmap
        return np.asarray(mapped(path))
    except (OSError, ValueError):
        raise InputError(
            f"{path} was damaged or removed while it was used: run it again"
        ) from None


def _array(value: np.ndarray | Path) -> np.ndarray:
    return load(value) if isinstance(value, Path) else value


def aligned_zeros(*shape: int) -> np.ndarray:
    """Returns float32 zeros at a multiple of 64 bytes: jax's CPU devices, however many,
    read them in place, and elsewhere each would make a copy."""
    size = int(np.prod(shape))
    spare = np.zeros(size + 16, np.float32)
    start = -spare.ctypes.data % 64 // 4
    return spare[start : start + size].reshape(shape)
