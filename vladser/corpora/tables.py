"""Tables in CSV files, as corpora publish them and as spreadsheets save them: separated
by commas, semicolons or tabs, with empty lines, and a line `sep=;`."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vladser import files
from vladser.errors import InputError


class Row(NamedTuple):
    """The number of a line, its cells by column, without spaces around them, and what
    separates them."""

    line: int
    cells: dict[str, str]
    separator: str


def read(
    file: Path, required: Collection[str], header: Sequence[str] = ()
) -> Iterator[Row]:
    """Yields the lines of a CSV file, but those that are blank.

    Args:
      file: in UTF-8 or marked UTF-16; its first line names the columns.
      required: the columns that it must have, in lower case, as all names become.
      header: the columns of a file whose first line names none of those required.

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
        top, empty = next(filled, []), True
        columns = [name.lower() for name in top]
        if header and {*required}.isdisjoint(columns):
            columns, empty = [*header], False
            yield Row(reader.line_num, _by_column(columns, top), separator)
        names = [name for name in columns if name]
        if not {*required} <= {*names} or len({*names}) < len(names):
            raise InputError(
                f"expected the columns {', '.join(required)}, and each column "
                f"once; got {separator.join(columns)!r:.200}"
            )
        for cells in filled:
            yield Row(reader.line_num, _by_column(columns, cells), separator)
            empty = False
        if empty:
            raise InputError("no utterances; expected a line for each")
    except (csv.Error, InputError) as error:
        raise InputError(f"{file}, line {reader.line_num or 1}: {error}") from None
    except UnicodeError:
        raise InputError(f"{file}: not UTF-8; expected a CSV file in UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: expected a CSV file: {error.strerror}") from None


def _by_column(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        count = len(columns)
        raise InputError(f"{len(cells)} cells; expected {count} as in the header")
    return dict(zip(columns, cells, strict=True))
