"""Corpora on disk: finding the wav files, and labels that are written in file names."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def require_folder(folder: Path, expected: str) -> None:
    """Raises InputError, saying what was `expected` in it, unless `folder` is one."""
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; expected one with {expected}")


def find_wavs(folder: Path) -> list[Path]:
    """The wav files at any depth below `folder`, those nearest to it first.

    Raises:
      InputError: a folder that cannot be listed.
    """
    wavs = [file for file in find_files(folder) if file.suffix.lower() == ".wav"]
    return sorted(wavs, key=lambda wav: (len(wav.parts), wav.as_posix()))


def find_files(folder: Path) -> list[Path]:
    """The files at any depth below `folder`, sorted.

    Hidden files and folders are ignored: some archives carry a `._name.wav` for each
    wav, which is no audio. Links are followed, but not back into a folder that the
    link lies in. No file is opened.

    Raises:
      InputError: a folder that cannot be listed.
    """
    files, pending = [], [(folder, frozenset[str]())]
    while pending:
        here, above = pending.pop()
        place = os.path.realpath(here)
        if place in above:
            continue
        try:
            inside = [path for path in here.iterdir() if path.name[0] != "."]
        except OSError as error:
            raise InputError(f"{here}: cannot be listed: {error.strerror}") from None
        for path in inside:
            if os.path.isdir(path):  # noqa: PTH112 (False where Path.is_dir raises)
                pending.append((path, above | {place}))
            else:
                files.append(path)
    return sorted(files)


def read_named(
    folder: Path,
    pattern: str,
    utterance: Callable[[Path, re.Match], Utterance],
    expected: str,
) -> Corpus:
    """Reads a corpus whose file names say speaker and emotion.

    Args:
      folder: searched at any depth, so that the archive's own top folder may stay.
      pattern: matches the whole name without extension, "03a01Fa", or, where it has a
        slash in it, the folder's name too, "DC/a01".
      utterance: makes the utterance of a file and its match.
      expected: what the folder should hold, for messages.

    Returns:
      The utterances by id. Names that do not follow the pattern, and second copies of
      a recording, are left out and noted.

    Raises:
      InputError: no such folder, or no file in it that follows the pattern.
    """
    require_folder(folder, expected)
    name = re.compile(rf"(?:^|/)(?:{pattern})\Z", re.ASCII)
    found: dict[str, Utterance] = {}
    strangers, copies = [], []
    for wav in find_wavs(folder):
        match = name.search(f"{wav.parent.name}/{wav.stem}")
        if match is None:
            strangers.append(wav)
        elif (made := utterance(wav, match)).id in found:
            copies.append(wav)
        else:
            found[made.id] = made
    if not found:
        raise InputError(f"{folder}: expected {expected}; found none")
    notes = []
    if strangers:
        notes.append(
            f"wavs left out, not {expected}: {len(strangers):,} "
            f"(such as {_shown(strangers[0].relative_to(folder))})"
        )
    if copies:
        notes.append(
            f"wavs left out, second copies by their names: {len(copies):,} "
            f"(such as {_shown(copies[0].relative_to(folder))})"
        )
    return Corpus([found[id] for id in sorted(found)], notes)


def _shown(path: Path) -> str:
    """A path in one line, whatever it is named."""
    return str(path) if str(path).isprintable() else ascii(str(path))
