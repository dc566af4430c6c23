"""Your own corpus, as a CSV file with a line for each utterance.

The header names the columns, in any order: `file,speaker,emotion` and, where wanted,
    session      speakers of one session were recorded together
    text         identifies the sentence
    start,end    the segment of the file, in seconds; empty for its beginning and end
    split        train, validation or test
Paths are relative to the folder of the CSV file, or absolute. UTF-8, commas; spaces
around a cell are ignored. Emotions may have any name and are lower-cased. The id of an
utterance is its `file` cell, and for a segment `file#start-end`.
"""

import csv
import math
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from vladser.errors import InputError
from vladser.types import Corpus, Utterance

_REQUIRED = ("file", "speaker", "emotion")
COLUMNS = (*_REQUIRED, "session", "text", "start", "end", "split")
_SPLITS = ("train", "validation", "test")


def read(folder: Path) -> Corpus:
    """Reads a manifest; does not look whether the audio is there.

    Args:
      folder: the CSV file itself.

    Raises:
      InputError: not a CSV file as described above; names the file and the line.
    """
    if not folder.is_file():
        what = "a folder" if folder.is_dir() else "no such file"
        raise InputError(f"{folder}: {what}; expected the manifest, a CSV file")
    utterances: dict[str, Utterance] = {}
    lines: dict[tuple, int] = {}
    numbered = rows(folder)
    line, header = next(numbered, (1, []))
    _check(f"{folder}, line {line}", header)
    for line, cells in numbered:
        try:
            utterance = _utterance(folder.parent, header, cells)
            part = (utterance.file, utterance.start or 0.0, utterance.end)
            if part in lines:
                raise InputError(f"the same file and segment as in line {lines[part]}")
            if utterance.id in utterances:
                raise InputError(f"a second utterance with the id {utterance.id}")
        except InputError as error:
            raise InputError(f"{folder}, line {line}: {error}") from None
        lines[part], utterances[utterance.id] = line, utterance
    if not utterances:
        raise InputError(f"{folder}: no utterances; expected a line for each")
    return Corpus([utterances[id] for id in sorted(utterances)], [])


def rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the number and the stripped cells of every line that is not blank.

    Raises:
      InputError: the file cannot be read, or is not CSV in UTF-8.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                if cells:
                    yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: not CSV: {error}") from None
    except UnicodeError:
        raise InputError(f"{file}: not UTF-8; expected a CSV file in UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None


def _check(where: str, header: list[str]) -> None:
    for name in _REQUIRED:
        if name not in header:
            text = ",".join(header)
            raise InputError(f"{where}: no column {name!r} in the header {text!r}")
    for name in header:
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise InputError(f"{where}: unknown column {name!r}; expected {known}")
        if header.count(name) > 1:
            raise InputError(f"{where}: column {name!r} twice; expected once")


def named(
    columns: list[str], cells: list[str], required: Iterable[str]
) -> dict[str, str]:
    """Returns the cells of a line by the names of their columns.

    Raises:
      InputError: more or fewer cells than columns, or a required one is empty.
    """
    if len(cells) != len(columns):
        raise InputError(
            f"{len(cells)} cells; expected {len(columns)} as in the header"
        )
    row = dict(zip(columns, cells, strict=True))
    for name in required:
        if not row[name]:
            raise InputError(f"{name} is empty")
    return row


def check_letters(name: str, cell: str) -> None:
    """Raises InputError for a cell that holds a control character."""
    if any(map(is_control, cell)):
        raise InputError(f"{name} {cell!r}; expected no control character")


def segment(row: dict[str, str]) -> tuple[float | None, float | None]:
    """Returns what the cells `start` and `end` say, in seconds; None where empty.

    Raises:
      InputError: they are no times, or not in order.
    """
    start, end = _seconds(row, "start"), _seconds(row, "end")
    if end is not None and (start or 0.0) >= end:
        raise InputError(f"start {start or 0.0} is not before end {end}")
    return start, end


def _utterance(folder: Path, columns: list[str], cells: list[str]) -> Utterance:
    row = named(columns, cells, _REQUIRED)
    for name, cell in row.items():
        if name != "text":
            check_letters(name, cell)
    split = row.get("split") or None
    if split not in (None, *_SPLITS):
        raise InputError(f"split {split!r}; expected {', '.join(_SPLITS)} or empty")
    start, end = segment(row)
    whole = start is None and end is None
    span = "-".join("" if time is None else str(time) for time in (start, end))
    return Utterance(
        id=row["file"] if whole else f"{row['file']}#{span}",
        file=folder / row["file"],
        speaker=row["speaker"],
        emotion=row["emotion"].lower(),
        session=row.get("session") or None,
        text=row.get("text") or None,
        start=start,
        end=end,
        split=split,
    )


def is_control(letter: str) -> bool:
    """Returns whether a character is a control character or separates lines."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def _seconds(row: dict[str, str], name: str) -> float | None:
    cell = row.get(name)
    if not cell:
        return None
    try:
        time = float(cell)
    except ValueError:
        time = math.nan
    if not (math.isfinite(time) and time >= 0):
        raise InputError(f"{name} {cell!r}; expected seconds, such as 1.5")
    return time
