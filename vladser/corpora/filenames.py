"""The files of a corpus on the disk, and notes on those that a reader leaves out."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vladser.errors import InputError
from vladser.text import few

_DEPTH = 3  # levels


def find_root(folder: Path, holds: str) -> Path:
    """Returns the folder of a corpus, which may lie up to three levels below the one
    that a user names, as archives are unpacked; `folder` itself where none is found.

    Args:
      folder: that is named; it is the one where it holds a match itself.
      holds: a pattern of what only the folder of a corpus holds.

    Raises:
      InputError: several are found.
    """
    # Several links may lead to one.
    roots = {root.resolve(): root for root in _roots(folder, holds, _DEPTH)}
    if len(roots) > 1:
        found = few(str(root.relative_to(folder)) for root in roots.values())
        raise InputError(f"{folder} holds several copies: expected one of {found}")
    return next(iter(roots.values()), folder)


def _roots(folder: Path, holds: str, depth: int) -> Iterator[Path]:
    """Yields the folders that hold a match, but those inside of others."""
    if any(folder.glob(holds)):
        yield folder
    elif depth:
        with suppress(OSError):  # one that cannot be listed is not looked into
            for inner in sorted(folder.glob("[!.]*/")):
                yield from _roots(inner, holds, depth - 1)


def find_audio(folder: Path, *suffixes: str) -> list[Path]:
    """Returns the files of `find_files` with some suffixes, in lower case: the nearest
    first, and of those side by side in the order of the suffixes."""
    files = [f for f in find_files(folder) if f.suffix.lower() in suffixes]

    def order(file: Path) -> tuple[int, int, str]:
        return len(file.parts), suffixes.index(file.suffix.lower()), file.as_posix()

    return sorted(files, key=order)


def find_files(folder: Path) -> list[Path]:
    """Returns the files at any depth below a folder, sorted.

    Hidden files and folders are ignored: some archives carry a `._name.wav` for each
    wav, which is no audio. Links are followed; a folder is listed once.

    Raises:
      InputError: a folder cannot be listed.
    """

    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be listed: {error.strerror}")

    files, listed = [], set()
    for here, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        place = os.path.realpath(here)
        if place in listed:
            folders.clear()
            continue
        listed.add(place)
        folders[:] = sorted(name for name in folders if name[0] != ".")
        files += [Path(here, name) for name in names if name[0] != "."]
    return sorted(files)


def notes(*left_out: tuple[str, Sequence[str | Path]]) -> Iterator[str]:
    """Yields a note for each kind of things left out: how many, and the first."""
    for what, which in left_out:
        if which:
            example = str(which[0])
            shown = example if example.isprintable() else ascii(example)
            yield f"{what}: {len(which):,} (such as {shown})"


def tally(what: str, counts: Counter[str]) -> Iterator[str]:
    """Yields a note on things left out, if there are any: how many of each kind."""
    if counts:
        yield f"{what}: {few(f'{n:,} {kind}' for kind, n in counts.most_common())}"
