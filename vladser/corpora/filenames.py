"""Corpora on disk: finding the wav files, and labels that are written in file names."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def require_folder(folder: Path, expected: str) -> None:
    """Raises InputError, saying what was `expected` in it, unless `folder` is one."""
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; expected one with {expected}")


def find_wavs(folder: Path) -> list[Path]:
    """Returns the wav files at any depth below a folder, the nearest first.

    Raises:
      InputError: a folder cannot be listed.
    """
    wavs = [file for file in find_files(folder) if file.suffix.lower() == ".wav"]
    return sorted(wavs, key=lambda wav: (len(wav.parts), wav.as_posix()))


def find_files(folder: Path) -> list[Path]:
    """Returns the files at any depth below a folder, sorted.

    Hidden files and folders are ignored: some archives carry a `._name.wav` for each
    wav, which is no audio. Links are followed, but not back into a folder that the
    link lies in. No file is opened.

    Raises:
      InputError: a folder cannot be listed.
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


def notes(*left_out: tuple[str, Sequence[str | Path]]) -> Iterator[str]:
    """Yields a note on each kind of things that were left out, if there are any.

    Args:
      *left_out: what they are, and which: the first is given as an example.
    """
    for what, which in left_out:
        if which:
            example = str(which[0])
            shown = example if example.isprintable() else ascii(example)
            yield f"{what}: {len(which):,} (such as {shown})"


def read_named(
    folder: Path,
    pattern: str,
    emotions: Mapping[str, str],
    expected: str,
    *,
    id: str = "{stem}",
    speaker: str = "{speaker}",
) -> Corpus:
    """Reads a corpus whose file names say speaker and emotion.

    Args:
      folder: searched at any depth, so that the archive's own top folder may stay.
      pattern: matches the whole name without extension, "03a01Fa", or, where it has a
        slash in it, the folder's name too, "DC/a01". It has the group speaker, text
        where the sentence is known, and an empty group emotion, for what comes next.
      emotions: how names say an emotion, and its canonical name.
      expected: what the folder should hold, for messages.
      id, speaker: format strings over the groups and the stem of the file.

    Returns:
      The utterances by id. Names that do not follow the pattern, and second copies of
      a recording, are left out and noted.

    Raises:
      InputError: no such folder, or no file in it that follows the pattern.
    """
    require_folder(folder, expected)
    said = "|".join(emotions)
    pattern = pattern.replace("(?P<emotion>)", f"(?P<emotion>{said})")
    name = re.compile(rf"(?:^|/)(?:{pattern})\Z", re.ASCII)
    utterances: dict[str, Utterance] = {}
    strangers, copies = [], []
    for wav in find_wavs(folder):
        match = name.search(f"{wav.parent.name}/{wav.stem}")
        if match is None:
            strangers.append(wav.relative_to(folder))
            continue
        groups = match.groupdict()
        key = id.format(stem=wav.stem, **groups)
        if key in utterances:
            copies.append(wav.relative_to(folder))
            continue
        utterances[key] = Utterance(
            id=key,
            file=wav,
            speaker=speaker.format(**groups),
            emotion=emotions[groups["emotion"]],
            text=groups.get("text"),
        )
    if not utterances:
        raise InputError(f"{folder}: expected {expected}; found none")
    left_out = notes(
        (f"wavs left out, not {expected}", strangers),
        ("wavs left out, second copies by their names", copies),
    )
    return Corpus([utterances[key] for key in sorted(utterances)], [*left_out])
