r"""Flagfiles: command lines in files. Those shipped are an experiment each.

A flagfile holds one --flag=value a line, and no shell reads it: a value is the rest of
its line, in quotes if it holds " #", " --" or, at its end, " \". Blank lines and lines
that start with # or // are skipped. `--flagfile=PATH` stands for the lines of that
file, in its place: of a flag given twice the later counts, so what follows the flagfile
on the command line wins over it. Flagfiles may include others. All paths are relative
to the working directory.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vladser import files
from vladser.errors import InputError

FOLDER = Path(__file__).parents[1] / "flagfiles"
_FOLLOWS = re.compile(r"\s(--\w|#|\\$)")


def shipped() -> list[Path]:
    """Returns the flagfiles that come with vladser."""
    return sorted(FOLDER.glob("*.flags"))


def expand(args: Iterable[str], parents: tuple[Path, ...] = ()) -> Iterator[str]:
    """Yields `args` with the lines of each flagfile after its --flagfile=PATH.

    Args:
      args: command-line arguments, without the program's name.
      parents: the flagfiles that include these lines, whose --flagfile is left out.

    Raises:
      InputError: a flagfile is missing, unreadable, malformed or includes itself.
    """
    args = iter(args)
    for arg in args:
        name, equals, value = arg.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            yield arg
            continue
        value = value if equals else next(args, "")
        try:
            path = _find(value)
            lines = files.read_text(path).splitlines()
        except OSError as error:
            raise InputError(f"--flagfile={value}: {error.strerror}") from None
        except (UnicodeError, RuntimeError) as error:  # no text, or ~ of no user
            raise InputError(f"--flagfile={value}: {error}") from None
        if path in parents:
            raise InputError(f"flagfile {path} includes itself")
        if not parents:
            yield f"--flagfile={path}"
        yield from expand(_flags(path, lines), (*parents, path))


def _find(name: str) -> Path:
    """Finds a file by its path, or a shipped one by its name or path in the sources."""
    path = Path(name).expanduser()
    if name and path.exists():
        return path.resolve()
    known = {file.name: file.resolve() for file in shipped()}
    if path.name in known and path.parent in (Path(), Path("launch/flagfiles")):
        return known[path.name]
    names = ", ".join(known)
    raise InputError(f"--flagfile={name}: no such file; shipped with vladser: {names}")


def _flags(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """Yields the flags, without quotes around whole values, as a shell does."""
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith(("#", "//")):
            continue
        name, equals, value = line.partition("=")
        if not name.startswith("-") or len(name.split()) > 1:
            raise InputError(f"{path}:{number}: expected --flag=value, got {line!r}")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        elif _FOLLOWS.search(value):
            said = "one --flag=value, or quotes around a value that holds this"
            raise InputError(f"{path}:{number}: expected {said}, got {line!r}")
        yield name + equals + value


def names(values: Sequence[str]) -> str:
    """Returns names as one value, which `parsers.names` reads."""
    written = io.StringIO()
    csv.writer(
        written,
        lineterminator="",
        quoting=csv.QUOTE_ALL if values[0].startswith("@") else csv.QUOTE_MINIMAL,
    ).writerow(values)
    return written.getvalue()


def line(name: str, value: object) -> str:
    """Returns the line that gives a flag a value."""
    quoted = re.fullmatch(r"\"..*\"|'.*'", f"{value}")  # which would be taken away
    quote = '"' if quoted or _FOLLOWS.search(f"{value}") else ""
    return f"--{name}={quote}{value}{quote}"
