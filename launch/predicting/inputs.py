"""Finds the utterances that the words of a command line name."""

import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from vladser import text
from vladser.corpora import filenames, manifest, names
from vladser.errors import InputError
from vladser.features import ffmpeg
from vladser.types import Corpus, Utterance

# The formats with a header that libsndfile reads, and those of ffmpeg where it is. They
# choose among the files of a folder; a file that is named itself may have any suffix.
_AUDIO = ".aif .aifc .aiff .au .caf .flac .mp3 .nist .oga .ogg .opus .rf64 .snd .sph"
_FILMS = ffmpeg.SUFFIXES if shutil.which("ffmpeg") else frozenset()
AUDIO = frozenset([*_AUDIO.split(), ".voc", ".w64", ".wav", *_FILMS])


def find(words: Iterable[str], suffixes: Collection[str] = AUDIO) -> Corpus:
    """Finds files by name, below folders, and in the lists of CSV files.

    Args:
      words: paths of files, folders and lists.
      suffixes: of the files to take from a folder, in lower case.

    Returns:
      the utterances in the order of the words, with their places as ids.

    Raises:
      InputError: a word names no file, or a list is malformed.
    """
    utterances: list[Utterance] = []
    notes = []
    for word in words:
        place = names.locate(Path(word).expanduser())
        if not place.exists():
            raise InputError(f"{word}: no such file or folder")
        files = [_utterance(place)]
        if place.is_dir():
            inside = filenames.find_files(place)
            files = [_utterance(f) for f in inside if f.suffix.lower() in suffixes]
            others = [f for f in inside if f.suffix.lower() not in suffixes]
            if files and others:
                what = text.count(len(others), "file")
                notes.append(f"{place}: {what} left out (such as {others[0]})")
        elif place.suffix.lower() == ".csv":
            rows = manifest.rows(place, ["file"], ["file", "start", "end"])
            parent = place.parent
            listed = ((names.locate(parent / r.cells["file"]), r) for r in rows)
            files = [_utterance(file, r.start, r.end) for file, r in listed]
        before = len(utterances)
        utterances += files
        if len(utterances) == before:
            known = " ".join(sorted(suffixes))
            raise InputError(f"{word} holds no file: expected one at least ({known})")
    numbered = [replace(u, id=str(number)) for number, u in enumerate(utterances)]
    return Corpus(numbered, notes)


def _utterance(
    file: Path, start: float | None = None, end: float | None = None
) -> Utterance:
    return Utterance("", file, "", "", start=start, end=end)
