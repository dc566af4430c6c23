"""The files of a corpus on the disk, and notes on those that a reader leaves out."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vladser.errors import InputError


def find_wavs(folder: Path) -> list[Path]:
    """Returns the wav files of `find_files`, the nearest first."""
    wavs = [file for file in find_files(folder) if file.suffix.lower() == ".wav"]
    return sorted(wavs, key=lambda wav: (len(wav.parts), wav.as_posix()))


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
