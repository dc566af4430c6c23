"""Features that were made elsewhere: a .npy file for each utterance, as np.save writes
it, with one array [frames, D] of floats."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from vladser import machine
from vladser.contracts import Features
from vladser.features import packed
from vladser.features.opening import BadAudio, readable
from vladser.options import Natural
from vladser.types import Utterance

_FLOATS = ("float16", "float32", "float64")


def npy(*, dim: Natural = 0, name: str = "") -> Features:
    """Features in .npy files.

    Args:
      dim: D, 0 for that of most files. Other files are bad.
      name: of what made the features, such as "wav2vec2-base".
    """
    if not re.fullmatch(r"[\w.-]*", name, re.ASCII):
        raise ValueError(f"name: expected letters, digits and _.-, got {name!r:.60}")
    return Features(f"npy-{name}" if name else "npy", dim, setup=None)


def shapes(
    utterances: Sequence[Utterance], dim: int
) -> tuple[dict[str, tuple[int, int]], dict[str, BadAudio]]:
    """Returns, by id, the shape [T, D] of each file whose header is good, and what is
    wrong with the others. `dim` is D, 0 for that of most files."""
    good, bad = {}, {}
    for utterance in utterances:
        try:
            if utterance.start is not None or utterance.end is not None:
                raise BadAudio("is a .npy file, which has no segments (start, end)")
            good[utterance.id] = _map(utterance.file).shape
        except BadAudio as reason:
            bad[utterance.id] = reason
    dims = Counter(columns for _, columns in good.values())
    dim = dim or max(dims, key=dims.__getitem__, default=0)
    for id, (_, columns) in good.items():
        if columns != dim:
            bad[id] = BadAudio(f"has D = {columns}: expected {dim}")
    return {id: shape for id, shape in good.items() if id not in bad}, bad


def check(
    utterances: Sequence[Utterance], dim: int
) -> Iterator[tuple[Utterance, Path | BadAudio]]:
    """Reads files; yields each utterance with its file, or with what is wrong."""
    _, bad = shapes(utterances, dim)

    def read(place: int) -> Path | BadAudio:
        utterance = utterances[place]
        if reason := bad.get(utterance.id):
            return reason
        if not _finite(packed.load(utterance.file)):
            return BadAudio("holds NaN, or values beyond the range of float32")
        return utterance.file

    yield from zip(utterances, machine.spread(read, len(utterances)), strict=True)


def _finite(values: np.ndarray) -> bool:
    """Returns whether all values are finite as float32."""
    if values.dtype == np.float16:  # by their bits, since numpy converts them slowly
        infinite = np.float16(np.inf).view(np.uint16)
        return bool((values.view(np.uint16) & infinite < infinite).all())
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.asarray(values, np.float32)).all())


def _map(file: Path) -> np.memmap:
    """Maps the array of a file."""
    with readable(file):  # and not a pipe, or unreadable
        try:
            array = open_memmap(file, mode="c")
        except Exception:  # numpy raises many
            raise BadAudio("is no whole .npy file as np.save writes it") from None
    shape, kind = array.shape, array.dtype.name
    if kind not in _FLOATS:
        raise BadAudio(f"holds {kind}: expected {', '.join(_FLOATS)}")
    if len(shape) != 2 or min(shape) < 1:
        raise BadAudio(f"holds an array of shape {shape}: expected [frames, D]")
    expected, size = array.offset + array.nbytes, file.stat().st_size
    if size != expected:
        raise BadAudio(f"has {size:,} bytes: its shape {shape} takes {expected:,}")
    return array
