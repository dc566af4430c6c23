"""Parsers: from the text of a flag to its value.

A parser raises ValueError, which says what is expected; the flag and its text come
before that in the message.
"""

import ast
import csv
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

from vladser import files, options
from vladser.corpora.names import normalize


def option(annotation: str, default: Any) -> Callable[[Any], Any]:
    """Returns the parser of an option of a part, see `vladser.options`.

    Args:
      annotation: one of the types in `options`, "" for any value of the default's type.
      default: says whether the value is a number, a text or another literal.
    """
    kind = type(default)
    read: Any = kind if kind in (str, int, float) else ast.literal_eval

    def parse(text: Any) -> Any:
        try:
            value = read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = text  # for `check` to refuse
        return options.check(annotation, default, value)

    return boolean if kind is bool else parse


def annotated(annotation: str, default: Any) -> Callable[[Any], Any]:
    """Returns the parser of a field of settings.

    Args:
      annotation: the field's: Path, bool, or a type in `vladser.options`; or None.
      default: the field's.
    """
    name = annotation.removesuffix(" | None")
    if name in ("Path", "bool"):
        return path if name == "Path" else boolean
    return option(name, getattr(options, name, str)() if default is None else default)


def one_of(*names: str) -> Callable[[str], str]:
    """Returns the parser of some words."""
    return option(f"Literal[{', '.join(map(repr, names))}]", "")


def several(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Returns the parser of a list of different values, or none."""

    def parse_all(text: str) -> tuple[Any, ...]:
        values = () if text == "none" else tuple(map(parse, text.split(",")))
        if len(set(values)) < len(values):
            raise ValueError("expected each value once")
        return values

    return parse_all


def names(text: str) -> tuple[str, ...]:
    """Parses names separated by commas, or @FILE of one a line, as a CSV file has them:
    quotes around a name that holds a comma."""
    lines = [text]
    if text.startswith("@"):
        try:
            lines = files.read_text(path(text[1:])).splitlines()
        except OSError as error:
            raise ValueError(f"expected a file behind @: {error.strerror}") from None
        except UnicodeError:
            raise ValueError("expected a file in UTF-8 behind @") from None
    cells = chain.from_iterable(csv.reader(lines, skipinitialspace=True, strict=True))
    try:
        named = tuple(name for name in map(normalize, cells) if name)
    except csv.Error as error:
        raise ValueError(f"expected names separated by commas: {error}") from None
    if not named or len({*named}) < len(named):
        raise ValueError("expected one name or more, and each once")
    return named


def path(text: str) -> Path:
    """Parses a path, of which ~ may be the first part."""
    if text.strip().splitlines() != [text]:  # a flagfile could not hold it
        raise ValueError("expected a path, without spaces at its ends")
    if named := re.search(r"\$\{?[A-Z][A-Z0-9_]*", text):
        raise ValueError(f"only a shell replaces {named[0]}: write what it stands for")
    return Path(text).expanduser()


def absolute(text: str) -> Path:
    """Parses a path that is to hold in any working directory."""
    return path(text).absolute()


def address(text: str) -> str:
    """Parses HOST:PORT, auto or local."""
    host, _, port = text.rpartition(":")
    numbered = host and port.isdecimal() and 0 < int(port) < 2**16
    if text not in ("auto", "local") and not numbered:
        raise ValueError("expected HOST:PORT, auto or local")
    return text


def boolean(text: str) -> bool:
    """Parses true or false."""
    if text not in ("true", "false"):
        raise ValueError("expected true or false")
    return text == "true"
