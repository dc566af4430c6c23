"""Your own corpus, as a CSV file with a line for each utterance: see docs/data.md.

Paths are relative to the folder of the CSV file, or absolute. Spaces around a cell are
ignored. Emotions may have any name and are lower-cased.
"""

import csv
import math
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vladser.errors import InputError
from vladser.text import few
from vladser.types import Corpus, Utterance

_REQUIRED = ("file", "speaker", "emotion")
COLUMNS = (*_REQUIRED, "session", "text", "start", "end", "split")
_SPLITS = ("", "train", "validation", "test")


class Row(NamedTuple):
    """The number of a line, its cells by column, and the segment in seconds."""

    line: int
    cells: dict[str, str]
    start: float | None
    end: float | None


def read(folder: Path) -> Corpus:
    """Reads a manifest; `folder` is the CSV file. Does not look for the audio.

    Raises:
      InputError: not a CSV file as described above; names the file and the line.
    """
    utterances: dict[str, Utterance] = {}
    lines: dict[object, int] = {}
    for line, cells, start, end in rows(folder, _REQUIRED):
        id, file = segment_id(cells["file"], start, end), folder.parent / cells["file"]
        split, where = cells.get("split", ""), f"{folder}, line {line}"
        if unknown := [name for name in cells if name not in COLUMNS]:
            expected = f"expected some of {', '.join(COLUMNS)}"
            raise InputError(f"{where}: column {unknown[0]!r}; {expected}")
        if split not in _SPLITS:
            expected = f"expected {', '.join(_SPLITS[1:])} or empty"
            raise InputError(f"{where}: split {split!r}; {expected}")
        for key in id, (file, start or 0.0, end):
            if (first := lines.setdefault(key, line)) != line:
                raise InputError(f"{where}: the same id or segment as in line {first}")
        utterances[id] = Utterance(
            id=id,
            file=file,
            speaker=cells["speaker"],
            emotion=cells["emotion"].lower(),
            session=cells.get("session") or None,
            text=cells.get("text") or None,
            start=start,
            end=end,
            split=split or None,
        )
    return Corpus([utterances[id] for id in sorted(utterances)], [])


def segment_id(file: str, start: float | None, end: float | None) -> str:
    """Returns "file", or "file#start-end" of a segment."""
    span = "-".join("" if time is None else str(time) for time in (start, end))
    return file if span == "-" else f"{file}#{span}"


def rows(file: Path, required: Collection[str]) -> Iterator[Row]:
    """Yields the lines of a CSV file, but those that are blank.

    Args:
      file: in UTF-8; its first line names the columns, of which COLUMNS count.
      required: the columns that it must have, without empty cells.

    Raises:
      InputError: the file cannot be read, is not CSV in UTF-8, or has no such lines.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            stripped = ([cell.strip() for cell in cells] for cells in reader if cells)
            header, empty = next(stripped, []), True
            if not {*required} <= {*header} or len({*header}) < len(header):
                raise InputError(
                    f"expected the columns {', '.join(required)}, and each column "
                    f"once; got {few(header, 12)!r:.200}"
                )
            for cells in stripped:
                yield Row(reader.line_num, *_row(header, cells, required))
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
    header: Sequence[str], cells: Sequence[str], required: Collection[str]
) -> tuple[dict[str, str], float | None, float | None]:
    if len(cells) != len(header):
        raise InputError(f"{len(cells)} cells; expected {len(header)} as in the header")
    row = dict(zip(header, cells, strict=True))
    for name, cell in row.items():
        if name in required and not cell:
            raise InputError(f"{name} is empty")
        if name in COLUMNS and name != "text":
            check_letters(name, cell)
    start, end = (_seconds(name, row.get(name)) for name in ("start", "end"))
    if end is not None and (start or 0.0) >= end:
        raise InputError(f"start {start or 0.0} is not before end {end}")
    return row, start, end


def check_letters(name: str, cell: str) -> None:
    """Raises InputError for a cell with a control character or a line separator."""
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in cell):
        raise InputError(f"{name} {cell!r}; expected no control character")


def _seconds(name: str, cell: str | None) -> float | None:
    try:
        time = float(cell) if cell else None
    except ValueError:
        time = math.nan
    if time is not None and not (math.isfinite(time) and time >= 0):
        raise InputError(f"{name} {cell!r}; expected seconds, such as 1.5")
    return time
