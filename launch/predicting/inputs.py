"""From the words of a command line to what is to be classified."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vladser import text
from vladser.corpora import filenames, manifest
from vladser.errors import InputError
from vladser.types import Utterance

# What libsndfile reads and has a header. These names only choose among the files of a
# folder: a file that is named itself may have any.
_AUDIO = ".aif .aifc .aiff .au .caf .flac .mp3 .nist .oga .ogg .opus .rf64 .snd .sph"
AUDIO = frozenset([*_AUDIO.split(), ".voc", ".w64", ".wav"])


class Inputs(NamedTuple):
    """What the words stand for, in their order, and what a person should know of it.

    The ids are numbers: the place of each.
    """

    utterances: list[Utterance]
    notes: list[str]


def find(words: Iterable[str], suffixes: Collection[str] = AUDIO) -> Inputs:
    """The files that are named, in folders below them, and listed in CSV files.

    Args:
      suffixes: of the files that count in a folder, in lower case.

    Raises:
      InputError: there is no such file or folder, a folder has none that counts, or
        a list is none.
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
    """The files below a folder that count, and the others."""
    files = filenames.find_files(folder)
    count = [file for file in files if file.suffix.lower() in suffixes]
    if not count:
        known = " ".join(sorted(suffixes))
        raise InputError(f"{folder} holds no file that ends in one of {known}")
    return count, [file for file in files if file.suffix.lower() not in suffixes]


def _listed(file: Path) -> Iterator[Utterance]:
    """The files, or segments of files, of a list: a manifest's columns file, start and
    end; what else it has does not count."""
    lines = manifest.rows(file)
    line, header = next(lines, (1, []))
    for name in ("file", "start", "end"):
        if header.count(name) != 1 and (name == "file" or name in header):
            found = ",".join(header)
            raise InputError(
                f"{file}, line {line}: one column {name!r} is right, not the header "
                f"{found!r:.200}"
            )
    empty = True
    for line, cells in lines:
        try:
            row = manifest.named(header, cells, ["file"])
            manifest.check_letters("file", row["file"])
            yield _utterance(file.parent / row["file"], *manifest.segment(row))
        except InputError as error:
            raise InputError(f"{file}, line {line}: {error}") from None
        empty = False
    if empty:
        raise InputError(f"{file} lists no file: a line for each is right")
