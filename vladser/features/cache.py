"""The feature cache: one entry an utterance, found by what the features depend on.

    <cache>/<set>-<digest of its config>/opensmile-<version>/<digest of the audio>

An entry is whole or absent: a writer renames a finished file into place, and a reader
checks a CRC-32 over all that it reads. What is damaged counts as absent.
"""

import re
import struct
import zlib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.errors import InputError
from vladser.features import sets, whole_file

_CHECK = struct.Struct("<I")  # CRC-32 of the header, which follows
_HEADER = struct.Struct("<QIII")  # as in Stored; then the T * D values
_SIZE = _CHECK.size + _HEADER.size


class Entry(NamedTuple):
    features: np.ndarray  # float32 [T, D]; read-only
    samples: int  # of the 16 kHz signal


class Stored(NamedTuple):
    """An entry in the cache, without its values."""

    path: Path
    samples: int  # of the 16 kHz signal
    frames: int  # T
    columns: int  # D
    check: int  # CRC-32 of the values


def feature_set(cache_dir: Path, features: str = sets.DEFAULT) -> str:
    """Names the features that this machine computes, or else those that it can read.

    Args:
      cache_dir: the folder of the cache.
      features: the set, see `sets`.

    Returns:
      "<set's id>/opensmile-<version>", also the folder of the entries: the version is
      the installed one; where there is none, the newest in the cache.

    Raises:
      InputError: no such set; or opensmile is not installed and the cache has no such
        features.
    """
    folder = cache_dir / sets.find(features).id
    try:
        newest = f"opensmile-{metadata.version('opensmile')}"
    except metadata.PackageNotFoundError:
        found = [path.name for path in folder.glob("opensmile-*")]
        if not found:
            raise InputError(
                f"{cache_dir} has no {features} features, and opensmile, which "
                "computes them, is not installed: pip install opensmile"
            ) from None
        newest = max(found, key=_version)
    return f"{folder.name}/{newest}"


def entry_path(
    folder: Path, digest: str, start: float | None, end: float | None
) -> Path:
    """Where the features of a segment (in seconds) of the audio `digest` lie."""
    if start is None and end is None:
        return folder / digest
    start = 0.0 if start is None else float(start)
    stop = "end" if end is None else float(end)
    return folder / f"{digest}-{start}-{stop}"


def find(path: Path) -> Stored | None:
    """The entry at `path`, of which the header alone is read and checked; None where
    there is none."""
    try:
        with path.open("rb", buffering=0) as file:
            return _parse(path, file.read(_SIZE))
    except OSError:
        return None


def read(path: Path) -> Entry | None:
    """The entry at `path`, all of it checked; None where there is none."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    stored = _parse(path, content[:_SIZE])
    if stored is None or zlib.crc32(content[_SIZE:]) != stored.check:
        return None
    values = np.frombuffer(content, "<f4", offset=_SIZE)
    return Entry(values.reshape(stored.frames, stored.columns), stored.samples)


def values(entry: Stored) -> np.ndarray:
    """The features of an entry that was found: float32 [T, D], read-only.

    Raises:
      InputError: it was damaged or removed since.
    """
    found = read(entry.path)
    if found is None:
        raise InputError(
            f"{entry.path} was damaged or removed while it was used: run it again"
        )
    return found.features


def write(path: Path, entry: Entry) -> Stored:
    """Writes the entry to `path`, at once as seen by others.

    Raises:
      InputError: the folder cannot be written.
    """
    values = np.ascontiguousarray(entry.features, "<f4").data.cast("B")
    frames, columns = entry.features.shape
    stored = Stored(path, entry.samples, frames, columns, zlib.crc32(values))
    header = _HEADER.pack(*stored[1:])
    try:
        with whole_file.writing(path) as file:
            file.write(_CHECK.pack(zlib.crc32(header)) + header)
            file.write(values)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be written: {error.strerror}") from None
    return stored


def _parse(path: Path, content: bytes | memoryview) -> Stored | None:
    if len(content) < _SIZE:
        return None
    (check,), header = _CHECK.unpack_from(content), content[_CHECK.size :]
    if zlib.crc32(header) != check:
        return None
    return Stored(path, *_HEADER.unpack(header))


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
