"""Types of options, which say by a factory's annotations what values are allowed.

`def netvlad(*, clusters: Count = 4)` allows whole numbers from 1, `smoothing:
Literal["none", "uniform"]` two texts, and `layer: Natural | Literal["mean"]` values of
both; other annotations allow all values of the default's type.
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
# Of each type: what is expected, the type of its values, and whether one is allowed.
_RANGES: dict[str, tuple[str, type, Callable[[Any], bool]]] = {
    "Count": ("a whole number of at least 1", int, lambda x: x >= 1),
    "Natural": ("a whole number of at least 0", int, lambda x: x >= 0),
    "Positive": ("a number above 0", float, lambda x: 0 < x <= _LARGEST),
    "NonNegative": ("a number of at least 0", float, lambda x: 0 <= x <= _LARGEST),
    "Share": ("a number from 0 to 1", float, lambda x: 0 <= x <= 1),
    "Fraction": ("a number of at least 0 and below 1", float, lambda x: 0 <= x < 1),
}
_NAMES = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
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
    kinds = [_allowed(one, default) for one in annotation.split(" | ")]
    for _, kind, holds in kinds:
        number = value
        if kind is float and type(value) is int:
            with suppress(OverflowError):  # an int is refused
                number = float(value)
        if type(number) is kind and holds(number):
            return number
    expected = " or ".join(text for text, *_ in kinds)
    raise ValueError(f"expected {expected}, got {value!r:.60}")


def _allowed(annotation: str, default: Any) -> tuple[str, type, Callable[[Any], bool]]:
    """Returns what one annotation allows, as in _RANGES."""
    if annotation in _RANGES:
        return _RANGES[annotation]
    if annotation.startswith("Literal["):
        choices = ast.literal_eval(annotation.removeprefix("Literal"))
        one_of = "one of " if len(choices) > 1 else ""
        return f"{one_of}{', '.join(choices)}", str, choices.__contains__
    kind = type(default)
    return _NAMES.get(kind, kind.__name__), kind, lambda value: True


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
