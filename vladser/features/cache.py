"""The feature cache: a file for each utterance, found by what its features depend on.

    <cache>/features/audio-2/<id of the features>/<package>-<version>/<digest>.npy

The digest is that of the audio file; 2 is `audio.VERSION`.

A file is what np.save writes, so that np.load maps it. Behind the array are the notes
on the audio, their length, the number of samples and a CRC-32 of all before it: what is
damaged counts as absent. A writer renames a finished file into place, and writers of
one file need no lock.
"""

import io
import os
import re
import secrets
import struct
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser import files
from vladser.contracts import Features
from vladser.features import audio

LIMIT = 20 * 10**9  # bytes; 147 descriptors of 95 hours of speech

_SIZES, _CHECK = struct.Struct("<IQ"), struct.Struct("<I")


class Entry(NamedTuple):
    """What an entry holds beside the features."""

    samples: int  # of the 16 kHz signal
    notes: tuple[str, ...]  # on the audio, each a line


def identify(features: Features, cache_dir: Path) -> str:
    """Names the features that this machine computes, or else those that it can read.

    Returns:
      "<id>", or "<id>/<package>-<version>", several of them joined by "_": the versions
      are the installed ones, "2.9.0" for 2.9.0+cpu; where a package is not installed,
      the newest in the cache.
    """
    id, packages = features.id, features.packages
    if not packages:
        return id
    with suppress(metadata.PackageNotFoundError):
        versions = [metadata.version(name).partition("+")[0] for name in packages]
        return f"{id}/{'_'.join(map('-'.join, zip(packages, versions, strict=True)))}"
    kept = features.selected[0].id if features.selected else id
    pattern = "_".join(f"{name}-*" for name in packages)
    cached = [path.name for path in folder(cache_dir, kept).glob(pattern)]
    numbers = {name: [*map(int, re.findall(r"\d+", name))] for name in cached}
    return f"{id}/{max(cached, key=numbers.__getitem__, default='_'.join(packages))}"


def folder(cache_dir: Path, name: str) -> Path:
    """Returns where the features lie that `identify` names."""
    return cache_dir / "features" / f"audio-{audio.VERSION}" / name


def entry(folder: Path, digest: str, start: float | None, end: float | None) -> Path:
    """Returns the file of a segment, in seconds, of the audio with this digest."""
    if start is None and end is None:
        return folder / f"{digest}.npy"
    stop = "end" if end is None else float(end)
    return folder / f"{digest}-{float(start or 0)}-{stop}.npy"


def read(entry: Path) -> Entry | None:
    """Returns what an entry says of its signal; None for no entry or damage."""
    try:
        content = np.memmap(entry, np.uint8, "c").data
        before, check = content[: -_CHECK.size], content[-_CHECK.size :]
        if _CHECK.unpack(check) != (zlib.crc32(before),):
            return None
        with suppress(OSError):  # the cache may be only read
            os.utime(entry)  # see `trim`
        length, samples = _SIZES.unpack(before[-_SIZES.size :])
        notes = bytes(before[-_SIZES.size - length : -_SIZES.size]).decode()
        return Entry(samples, tuple(notes.splitlines()))
    except (OSError, ValueError, struct.error):  # no file, an empty or a short one
        return None


def write(
    entry: Path, features: np.ndarray, samples: int, notes: Sequence[str] = ()
) -> None:
    """Writes an entry, see `store`.

    Args:
      entry: its path; raises InputError where it cannot be written.
      features: float32 or float16 [T, D].
      samples, notes: see `Entry`.
    """
    content, remarks = io.BytesIO(), "\n".join(notes).encode()
    kept = "<f2" if features.dtype == np.float16 else "<f4"
    np.save(content, np.ascontiguousarray(features, kept))
    content.write(remarks + _SIZES.pack(len(remarks), samples))
    content.write(_CHECK.pack(zlib.crc32(content.getvalue())))
    store(entry, content.getvalue())


def store(entry: Path, content: bytes) -> None:
    """Writes the content of an entry, which others see whole or not at all; raises
    InputError where it cannot be written.

    It is not forced to the disk, which would take longer than to compute it: a loss of
    power may damage it, and `read` notices.
    """
    unfinished = entry.with_name(f".{secrets.token_hex(8)}")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(entry)
    except OSError as error:
        raise files.unwritable(entry.parent, error) from None
    finally:
        with suppress(OSError):  # it has its name
            unfinished.unlink()


def trim(cache_dir: Path, keep: Collection[object]) -> None:
    """Removes the least recently used entries, but not those to keep, until all take
    at most LIMIT bytes."""
    entries = []
    for path in (cache_dir / "features").rglob("*"):  # of other versions, too
        with suppress(OSError):  # another process removed it
            status = path.stat()
            if path.is_file():
                entries.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - LIMIT
    for _, size, path in sorted(entries):
        if excess > 0 and path not in keep:
            with suppress(OSError):  # the cache may be only read
                path.unlink()
                excess -= size
