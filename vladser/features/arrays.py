"""Features that were made elsewhere: a .npy file for each utterance, as np.save writes
it, with one array [frames, D] of floats; D may be any number."""

import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from vladser.errors import InputError
from vladser.features import audio, packed
from vladser.features.audio import BadAudio
from vladser.features.packed import Packed
from vladser.types import Utterance

NAME = "npy"

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_FLOATS = ("float16", "float32", "float64")


def load(file: Path) -> np.ndarray:
    """The features of a file, float32 [T, D].

    Raises:
      BadAudio: the file cannot be read, is no .npy file or not a whole one, or holds
        anything but a frame or more of finite floats.
    """
    with audio.opened(file) as handle:
        _shape(handle)
        handle.seek(0)
        values = np.load(handle, allow_pickle=False)
    with np.errstate(over="ignore"):
        features = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(features).all():
        raise BadAudio("holds NaN, or values beyond the range of float32")
    return features


def shapes(
    utterances: Iterable[Utterance],
) -> Iterator[tuple[Utterance, tuple[int, int] | BadAudio]]:
    """Yields the shape [T, D] of each utterance's file, from its header alone, or what
    is wrong: another D than that of the first good file, too.

    Raises:
      InputError: an utterance is a segment of its file.
    """
    first = None
    for utterance in utterances:
        if utterance.start is not None or utterance.end is not None:
            raise InputError(
                f"utterance {utterance.id} is a segment, which .npy files do not have: "
                "leave start and end empty"
            )
        try:
            with audio.opened(utterance.file) as handle:
                shape = _shape(handle)
            first = first or (shape[1], utterance.file)
            if shape[1] != first[0]:
                raise BadAudio(f"has D = {shape[1]}: {first[1]} has D = {first[0]}")
            yield utterance, shape
        except BadAudio as reason:
            yield utterance, reason


def each(
    utterances: Iterable[Utterance],
) -> Iterator[tuple[Utterance, np.ndarray | BadAudio]]:
    """Yields each utterance with its features, or what is wrong, see `shapes`."""
    for utterance, shape in shapes(utterances):
        found: np.ndarray | BadAudio
        try:
            found = shape if isinstance(shape, BadAudio) else load(utterance.file)
        except BadAudio as reason:
            found = reason
        yield utterance, found


def pack(
    utterances: Iterable[Utterance],
    folder: Path,
    progress: Callable[[int], object] = lambda count: None,
) -> tuple[Packed, dict[str, BadAudio]]:
    """The features of all good utterances, and what is wrong with the others, by id.

    The buffer is a file that has no name, in `folder`, and is mapped: it may be larger
    than the memory, and is gone with the last who uses it.

    Raises:
      InputError: an utterance is a segment, or the folder cannot be written.
    """
    lengths, bad, columns = {}, {}, 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            for utterance, found in each(utterances):
                if isinstance(found, BadAudio):
                    bad[utterance.id] = found
                else:
                    file.write(found.data)
                    lengths[utterance.id], columns = found.shape
                progress(1)
            if not lengths:
                return packed.join({}), bad
            shape = packed.rows(lengths), columns
            file.write(bytes(4 * max(lengths.values()) * columns))
            file.flush()
            frames = np.asarray(np.memmap(file, np.float32, "r", shape=shape))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None
    return Packed(frames, lengths), bad


def _shape(file: BinaryIO) -> tuple[int, int]:
    """Reads the header of an open file, and checks that what it says can be there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, _, kind = _HEADERS[npy.read_magic(file)](file)
    except OSError:
        raise
    except Exception:  # numpy's parser lets anything through that it meets
        raise BadAudio("is no .npy file as np.save writes it") from None
    if kind.name not in _FLOATS:
        raise BadAudio(f"holds {kind.name}: {', '.join(_FLOATS)} are right")
    if len(shape) != 2 or min(shape) < 1:
        raise BadAudio(f"holds an array of shape {shape}: [frames, D] is right")
    wanted = file.tell() + math.prod(shape) * kind.itemsize
    size = os.fstat(file.fileno()).st_size
    if size != wanted:
        raise BadAudio(f"has {size:,} bytes: its shape {shape} takes {wanted:,}")
    return shape
