"""Your own corpus, as a CSV file with a line for each utterance: see docs/data.md.

Paths are relative to the folder of the CSV file, or absolute. Spaces around a cell are
ignored. Emotions may have any name.

It may be as spreadsheets save it, see `tables`, with decimal commas in numbers where
semicolons separate cells, and columns without a name.
"""

import math
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from vladser.corpora import tables
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

_REQUIRED, _TIMES = ("file", "speaker", "emotion"), ("start", "end")
_VIEWS = ("activation", "valence")
COLUMNS = (*_REQUIRED, "session", "text", *_TIMES, "split", *_VIEWS)
# What tools write where there is nothing. An emotion or a word may be called so.
_NOTHING = {"nan", "NaN", "NaT", "<NA>", "None", "NULL", "#N/A"}
_ANY_WORD = {"emotion", "text"}


class Row(NamedTuple):
    """The number of a line, its cells by column, the segment in seconds, and activation
    and valence from 1 to 5."""

    line: int
    cells: dict[str, str]
    start: float | None
    end: float | None
    activation: float | None
    valence: float | None


def read(folder: Path) -> Corpus:
    """Reads a manifest; `folder` is the CSV file. Does not look for the audio.

    Raises:
      InputError: not a CSV file as described above; names the file and the line.
    """
    utterances: dict[str, Utterance] = {}
    lines: dict[object, int] = {}
    for line, cells, start, end, activation, valence in rows(folder, _REQUIRED):
        id, file = segment_id(cells["file"], start, end), folder.parent / cells["file"]
        split, where = cells.get("split", ""), f"{folder}, line {line}"
        if unknown := [name for name in cells if name not in COLUMNS]:
            expected = f"expected some of {', '.join(COLUMNS)}"
            raise InputError(f"{where}: column {unknown[0]!r}; {expected}")
        if split not in ("", "train", "validation") and not split.startswith("test"):
            expected = "expected train, validation, test (or test1, test2) or empty"
            raise InputError(f"{where}: split {split!r}; {expected}")
        for key in id, (file, start or 0.0, end):
            if (first := lines.setdefault(key, line)) != line:
                raise InputError(f"{where}: the same id or segment as in line {first}")
        utterances[id] = Utterance(
            id=id,
            file=file,
            speaker=cells["speaker"],
            emotion=cells["emotion"],
            session=cells.get("session") or None,
            text=cells.get("text") or None,
            start=start,
            end=end,
            split=split or None,
            activation=activation,
            valence=valence,
        )
    return Corpus([utterances[id] for id in sorted(utterances)], [])


def segment_id(file: str, start: float | None, end: float | None) -> str:
    """Returns "file", or "file#start-end" of a segment."""
    span = "-".join("" if time is None else str(time) for time in (start, end))
    return file if span == "-" else f"{file}#{span}"


def rows(
    file: Path, required: Collection[str], columns: Collection[str] = COLUMNS
) -> Iterator[Row]:
    """Yields the lines of a CSV file, but those that are blank.

    Args:
      file: see `tables.read`.
      columns: those that count; cells of others may hold anything.
      required: the columns that it must have, without empty cells.

    Raises:
      InputError: there is no such table, or a cell is not what its column holds.
    """
    for line, cells, separator in tables.read(file, required):
        try:
            yield Row(line, *_row(cells, required, columns, separator == ";"))
        except InputError as error:
            raise InputError(f"{file}, line {line}: {error}") from None


def _row(
    cells: dict[str, str],
    required: Collection[str],
    columns: Collection[str],
    decimal_comma: bool,
) -> tuple[dict[str, str], float | None, float | None, float | None, float | None]:
    row = {name: cell for name, cell in cells.items() if name}
    for name, cell in row.items():
        nothing = name not in _ANY_WORD and cell in _NOTHING
        if name in required and (nothing or not cell):
            raise InputError(f"{name} is {repr(cell) if nothing else 'empty'}")
        if name in columns and name != "text":
            check_letters(name, cell)
        row[name] = "" if nothing else cell
    numbers = (
        _number(name, row.get(name) if name in columns else None, decimal_comma)
        for name in (*_TIMES, *_VIEWS)
    )
    start, end, activation, valence = numbers
    if end is not None and (start or 0.0) >= end:
        raise InputError(f"start {start or 0.0} is not before end {end}")
    return row, start, end, activation, valence


def check_letters(name: str, cell: str) -> None:
    """Raises InputError for a cell with a control character or a line separator."""
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in cell):
        raise InputError(f"{name} {cell!r}; expected no control character")


def _number(name: str, cell: str | None, decimal_comma: bool) -> float | None:
    written = cell.replace(",", ".") if cell and decimal_comma else cell
    try:
        number = float(written) if written else None
    except ValueError:
        number = math.nan
    if number is None:
        return None
    if name in _VIEWS and not 1 <= number <= 5:
        raise InputError(f"{name} {cell!r}; expected a number from 1 to 5")
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} {cell!r}; expected seconds, such as 1.5")
    return number
