"""Types of options, which say by a factory's annotations what values are allowed.

`def netvlad(*, clusters: Count = 4)` allows whole numbers from 1, and `smoothing:
Literal["none", "uniform"]` two texts; other annotations allow all values of the
default's type.
"""

import ast
import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

Count: TypeAlias = int
Natural: TypeAlias = int
Positive: TypeAlias = float
NonNegative: TypeAlias = float
Share: TypeAlias = float
Fraction: TypeAlias = float


class Option(NamedTuple):
    """An option of a part, as the source of the part's factory declares it."""

    annotation: str  # "" where it has none
    default: Any
    text: str  # what the factory's docstring says of it


_LARGEST = sys.float_info.max
# What is expected of each type, and whether a value is that.
_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Count": ("a whole number of at least 1", lambda x: x >= 1),
    "Natural": ("a whole number of at least 0", lambda x: x >= 0),
    "Positive": ("a number above 0", lambda x: 0 < x <= _LARGEST),
    "NonNegative": ("a number of at least 0", lambda x: 0 <= x <= _LARGEST),
    "Share": ("a number from 0 to 1", lambda x: 0 <= x <= 1),
    "Fraction": ("a number of at least 0 and below 1", lambda x: 0 <= x < 1),
}
_NAMES = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    tuple: "a tuple",
}


def check(annotation: str, default: Any, value: Any) -> Any:
    """Returns the value of an option, in the type of its default: 2 may be 2.0.

    Args:
      annotation: of the option, as in the source; "" without one.
      default: the option's default.
      value: a literal.

    Raises:
      ValueError: says what is expected.
    """
    kind = type(default)
    if kind is float and type(value) is int:
        with suppress(OverflowError):  # an int is refused
            value = float(value)
    if annotation in _RANGES:
        expected, holds = _RANGES[annotation]
    elif annotation.startswith("Literal["):
        choices = ast.literal_eval(annotation.removeprefix("Literal"))
        expected, holds = f"one of {', '.join(choices)}", choices.__contains__
    else:
        expected, holds = _NAMES.get(kind, kind.__name__), lambda value: True
    if type(value) is not kind or not holds(value):
        raise ValueError(f"expected {expected}, got {value!r:.60}")
    return value


def texts(docstring: str | None, section: str) -> dict[str, str]:
    """Returns what a docstring says of each name in a section, such as "Args"."""
    _, _, rest = inspect.cleandoc(docstring or "").partition(f"{section}:\n")
    paragraph, _, _ = rest.partition("\n\n")
    said, name = dict[str, str](), ""
    for line in paragraph.splitlines():
        if line.startswith("    "):
            said[name] += f" {line.strip()}"
        else:
            name, _, text = line.strip().partition(": ")
            said[name] = text
    return said
