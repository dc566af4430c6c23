"""The feature cache: one entry an utterance, found by what the features depend on.

    <cache>/vladser147-<digest of the config>/opensmile-<version>/<digest of the audio>

An entry is whole or absent: a writer renames a finished file into place, so writers of
the same entry need no lock, and a reader checks a CRC-32 over all of it.
"""

import contextlib
import os
import re
import secrets
import struct
import zlib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.errors import InputError
from vladser.features import smile

_CHECK = struct.Struct("<I")  # CRC-32 of all that follows
_HEADER = struct.Struct("<QII")  # samples, T, D; then the T * D values


class Entry(NamedTuple):
    features: np.ndarray  # float32 [T, D]; read-only
    samples: int  # of the 16 kHz signal


def feature_set(cache_dir: Path) -> str:
    """Names the features that this machine computes, or else those that it can read.

    Returns:
      "<config id>/opensmile-<version>", also the folder of the entries: the version is
      the installed one; where there is none, the newest in the cache.

    Raises:
      InputError: opensmile is not installed and the cache has no features.
    """
    folder = cache_dir / smile.config_id()
    try:
        newest = f"opensmile-{metadata.version('opensmile')}"
    except metadata.PackageNotFoundError:
        found = [path.name for path in folder.glob("opensmile-*")]
        if not found:
            raise InputError(
                f"{cache_dir} has no features, and opensmile, which computes them, is "
                "not installed: pip install opensmile"
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
    end = "end" if end is None else float(end)
    return folder / f"{digest}-{start}-{end}"


def read(path: Path) -> Entry | None:
    """The entry at `path`; None where there is none or it is damaged."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    size = _CHECK.size + _HEADER.size
    if len(content) < size:
        return None
    (check,) = _CHECK.unpack_from(content)
    samples, *shape = _HEADER.unpack_from(content, _CHECK.size)
    if zlib.crc32(content[_CHECK.size :]) != check:
        return None
    return Entry(np.frombuffer(content, "<f4", offset=size).reshape(shape), samples)


def write(path: Path, entry: Entry) -> None:
    """Writes the entry to `path`, at once as seen by others, durably.

    Raises:
      InputError: the folder cannot be written.
    """
    header = _HEADER.pack(entry.samples, *entry.features.shape)
    values = np.ascontiguousarray(entry.features, "<f4").data.cast("B")
    check = _CHECK.pack(zlib.crc32(values, zlib.crc32(header)))
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("xb") as file:
            file.write(check + header)
            file.write(values)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise InputError(f"{path.parent} cannot be written: {error.strerror}") from None


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
