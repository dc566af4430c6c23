"""Finds the utterances that the words of a command line name."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vladser import text
from vladser.corpora import filenames, manifest
from vladser.errors import InputError
from vladser.types import Utterance

# The formats with a header that libsndfile reads. They choose among the files of a
# folder; a file that is named itself may have any suffix.
_AUDIO = ".aif .aifc .aiff .au .caf .flac .mp3 .nist .oga .ogg .opus .rf64 .snd .sph"
AUDIO = frozenset([*_AUDIO.split(), ".voc", ".w64", ".wav"])


class Inputs(NamedTuple):
    """What the words name.

    Attributes:
      utterances: in the order of the words; the id of each is its place.
      notes: what users should know, a line each.
    """

    utterances: list[Utterance]
    notes: list[str]


def find(words: Iterable[str], suffixes: Collection[str] = AUDIO) -> Inputs:
    """Finds files by name, below folders, and in the lists of CSV files.

    Args:
      words: paths of files, folders and lists.
      suffixes: of the files to take from a folder, in lower case.

    Raises:
      InputError: a file or folder does not exist, a folder has no file with such a
        suffix, or a list is malformed.
    """
    utterances, notes = [], []
    for word in words:
        place = Path(word).expanduser()
        if place.is_dir():
            files, others = _inside(place, suffixes)
            utterances += [_utterance(file) for file in files]
            if others:
                what = text.count(len(others), "file")
                notes.append(f"{place}: {what} left out (such as {others[0]})")
        elif not place.exists():
            raise InputError(f"{word}: no such file or folder")
        elif place.suffix.lower() == ".csv":
            utterances += _listed(place)
        else:
            utterances.append(_utterance(place))
    numbered = [replace(u, id=str(number)) for number, u in enumerate(utterances)]
    return Inputs(numbered, notes)


def _utterance(
    file: Path, start: float | None = None, end: float | None = None
) -> Utterance:
    return Utterance("", file, "", "", start=start, end=end)


def _inside(folder: Path, suffixes: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Returns the files below a folder that have the suffixes, and the others."""
    files = filenames.find_files(folder)
    taken = [file for file in files if file.suffix.lower() in suffixes]
    if not taken:
        known = " ".join(sorted(suffixes))
        raise InputError(f"{folder} holds no file that ends in one of {known}")
    return taken, [file for file in files if file.suffix.lower() not in suffixes]


def _listed(file: Path) -> Iterator[Utterance]:
    """Yields the files, or segments of files, of a list: a manifest of which only the
    columns file, start and end count."""
    for row in manifest.rows(file, ["file"]):
        yield _utterance(file.parent / row.cells["file"], row.start, row.end)
