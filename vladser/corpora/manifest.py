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
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vladser.errors import InputError
from vladser.types import Corpus, Utterance

_REQUIRED = ("file", "speaker", "emotion")
COLUMNS = (*_REQUIRED, "session", "text", "start", "end", "split")
_SPLITS = ("", "train", "validation", "test")


class Row(NamedTuple):
    """A line: its number, its cells by column, and the segment in seconds."""

    line: int
    cells: dict[str, str]
    start: float | None
    end: float | None


def read(folder: Path) -> Corpus:
    """Reads a manifest; does not look whether the audio is there.

    Args:
      folder: the CSV file itself.

    Raises:
      InputError: not a CSV file as described above; names the file and the line.
    """
    utterances: dict[str, Utterance] = {}
    lines: dict[object, int] = {}
    for line, cells, start, end in rows(folder, _REQUIRED, COLUMNS):
        span = "-".join("" if time is None else str(time) for time in (start, end))
        id = cells["file"] if span == "-" else f"{cells['file']}#{span}"
        file, split = folder.parent / cells["file"], cells.get("split", "")
        if split not in _SPLITS:
            known = ", ".join(_SPLITS[1:])
            raise InputError(
                f"{folder}, line {line}: split {split!r}; expected {known} or empty"
            )
        for key in id, (file, start or 0.0, end):
            if lines.setdefault(key, line) != line:
                raise InputError(
                    f"{folder}, line {line}: the same id or segment as in line "
                    f"{lines[key]}"
                )
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


def rows(
    file: Path, required: Sequence[str], known: Collection[str] = ()
) -> Iterator[Row]:
    """Yields the lines of a CSV file, but those that are blank.

    Args:
      required: the columns that it must have, without empty cells.
      known: the columns that it may have; if that is empty, others do not count.

    Raises:
      InputError: the file cannot be read, is not CSV in UTF-8, or has no such lines.
    """
    line = 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            stripped = ([cell.strip() for cell in cells] for cells in reader if cells)
            header = next(stripped, [])
            _check(header, required, known)
            for cells in stripped:
                line = reader.line_num
                if len(cells) != len(header):
                    expected = f"expected {len(header)} as in the header"
                    raise InputError(f"{len(cells)} cells; {expected}")
                row = dict(zip(header, cells, strict=True))
                for name, cell in row.items():
                    if name in required and not cell:
                        raise InputError(f"{name} is empty")
                    if name in (*required, *known) and name != "text":
                        check_letters(name, cell)
                yield Row(line, row, *_segment(row))
            if not line:
                raise InputError("no utterances; expected a line for each")
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: not CSV: {error}") from None
    except UnicodeError:
        raise InputError(f"{file}: not UTF-8; expected a CSV file in UTF-8") from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise InputError(f"{file}: {reason}; expected a CSV file") from None
    except InputError as error:
        raise InputError(f"{file}, line {line or 1}: {error}") from None


def _check(
    header: Sequence[str], required: Sequence[str], known: Collection[str]
) -> None:
    unknown = {*header} - {*known} if known else ()
    if unknown or not {*required} <= {*header} or len({*header}) < len(header):
        others = [name for name in known if name not in required] or ["any others"]
        raise InputError(
            f"expected the columns {', '.join(required)} and, where wanted, "
            f"{', '.join(others)}, each once; got {','.join(header)!r:.200}"
        )


def check_letters(name: str, cell: str) -> None:
    """Raises InputError for a cell with a control character or a line separator."""
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in cell):
        raise InputError(f"{name} {cell!r}; expected no control character")


def _segment(row: Mapping[str, str]) -> tuple[float | None, float | None]:
    times: list[float | None] = []
    for name in "start", "end":
        cell = row.get(name)
        try:
            time = float(cell) if cell else None
        except ValueError:
            time = math.nan
        if time is not None and not (math.isfinite(time) and time >= 0):
            raise InputError(f"{name} {cell!r}; expected seconds, such as 1.5")
        times.append(time)
    start, end = times
    if end is not None and (start or 0.0) >= end:
        raise InputError(f"start {start or 0.0} is not before end {end}")
    return start, end
