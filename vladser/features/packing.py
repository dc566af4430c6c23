"""The packed cache: the features of one corpus as one file, mapped and not read.

    <cache>/<feature set>/packed-<digest>     float32 [F + longest, D], and no header

Processes that map it share its pages, and it may be larger than the memory. The digest
is that of the entries it is made of, in order: it cannot be stale. The checks of those
entries are its own. It may be deleted at any time, to be made again.
"""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vladser.features import cache, packed, whole_file
from vladser.features.cache import Stored
from vladser.features.packed import Packed


def read(folder: Path, entries: Mapping[str, Stored]) -> Packed | None:
    """The features of the entries; None where they are not packed, or damaged.

    Args:
      folder: of the entries.
      entries: by utterance id; their values are not read.
    """
    if not entries:
        return None
    try:
        mapped = _map(_path(folder, entries), entries)
    except (OSError, ValueError):  # no file, or one that is too short
        return None
    whole = all(
        zlib.crc32(mapped[name].data) == entries[name].check for name in entries
    )
    return mapped if whole and not mapped.frames[mapped.length.sum() :].any() else None


def write(folder: Path, entries: Mapping[str, Stored]) -> Packed:
    """Packs the entries; in memory where the folder cannot be written or is full.

    Raises:
      InputError: an entry was damaged or removed after it was found.
    """
    # Another process may have packed them meanwhile; what it maps must stay.
    if (found := read(folder, entries)) is not None:
        return found
    if entries:
        path = _path(folder, entries)
        try:
            with whole_file.writing(path) as file:
                for entry in entries.values():
                    file.write(cache.values(entry).data)
                longest = max(entry.frames for entry in entries.values())
                file.write(np.zeros((longest, entry.columns), "<f4").data)
            return _map(path, entries)
        except OSError:
            pass  # the cache is only read then
    return packed.join({name: cache.values(entry) for name, entry in entries.items()})


def _path(folder: Path, entries: Mapping[str, Stored]) -> Path:
    content = "\n".join(
        repr(entry._replace(path=entry.path.name))  # type: ignore[arg-type]  # to print
        for entry in entries.values()
    )
    return folder / f"packed-{hashlib.sha256(content.encode()).hexdigest()}"


def _map(path: Path, entries: Mapping[str, Stored]) -> Packed:
    lengths = {name: entry.frames for name, entry in entries.items()}
    shape = packed.rows(lengths), next(iter(entries.values())).columns
    # A plain array, for numpy is slow at slices of a memmap; it keeps the map open.
    return Packed(np.asarray(np.memmap(path, "<f4", "r", shape=shape)), lengths)
