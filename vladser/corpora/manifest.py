"""Your own corpus, as a CSV file with a line for each utterance: see docs/data.md.

Paths are relative to the folder of the CSV file, or absolute. Spaces around a cell are
ignored. Emotions may have any name.

It may be as spreadsheets save it: separated by commas, semicolons (with decimal commas
in numbers) or tabs, with empty lines, columns without a name, and a line `sep=;`.
"""

import csv
import io
import math
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vladser import files
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


def rows(file: Path, required: Collection[str]) -> Iterator[Row]:
    """Yields the lines of a CSV file, but those that are blank.

    Args:
      file: in UTF-8 or marked UTF-16; its first line names the columns, of which
        COLUMNS count.
      required: the columns that it must have, without empty cells.

    Raises:
      InputError: the file cannot be read, is not CSV in UTF-8, or has no such lines.
    """
    try:
        text = files.read_text(file)
        first, _, rest = text.partition("\n")
        if first.rstrip("\r").lower() in ("sep=,", "sep=;", "sep=\t"):
            text, first = f"\n{rest}", rest.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=separator,
            skipinitialspace=True,
            strict=True,
        )
        stripped = ([cell.strip() for cell in cells] for cells in reader)
        filled = (cells for cells in stripped if any(cells))
        header, empty = [name.lower() for name in next(filled, [])], True
        names = [name for name in header if name]
        if not {*required} <= {*names} or len({*names}) < len(names):
            raise InputError(
                f"expected the columns {', '.join(required)}, and each column "
                f"once; got {separator.join(header)!r:.200}"
            )
        for cells in filled:
            yield Row(reader.line_num, *_row(header, cells, required, separator == ";"))
            empty = False
        if empty:
            raise InputError("no utterances; expected a line for each")
    except (csv.Error, InputError) as error:
        raise InputError(f"{file}, line {reader.line_num or 1}: {error}") from None
    except UnicodeError:
        raise InputError(f"{file}: not UTF-8; expected a CSV file in UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: expected a CSV file: {error.strerror}") from None


def _row(
    header: Sequence[str],
    cells: Sequence[str],
    required: Collection[str],
    decimal_comma: bool,
) -> tuple[dict[str, str], float | None, float | None, float | None, float | None]:
    if len(cells) != len(header):
        raise InputError(f"{len(cells)} cells; expected {len(header)} as in the header")
    row = {n: cell for n, cell in zip(header, cells, strict=True) if n}
    for name, cell in row.items():
        nothing = name not in _ANY_WORD and cell in _NOTHING
        if name in required and (nothing or not cell):
            raise InputError(f"{name} is {repr(cell) if nothing else 'empty'}")
        if name in COLUMNS and name != "text":
            check_letters(name, cell)
        row[name] = "" if nothing else cell
    numbers = (
        _number(name, row.get(name), decimal_comma) for name in (*_TIMES, *_VIEWS)
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
