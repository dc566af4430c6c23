"""What a file of a run has to hold, and what is wrong with one that does not.

A shape is written like what it describes:

    str             a text of one line
    Number          a finite number in a range
    OneOf           one of some texts
    (shape,)        that, or null
    [shape]         a list of that; of several shapes: a list of just these
    {"a": shape}    an object that has "a", and anything else beside it
    {"a?": shape}   "a" may be missing
    {...: shape}    all there is in it
    dict, list      any
"""

import unicodedata
from typing import Any, NamedTuple

from vladser.errors import InputError

_SAID = {str: "a text", list: "a list", dict: "an object"}
_NO_TEXT = {"Cc", "Cs"}


class Number(NamedTuple):
    """A range of numbers, both ends included."""

    least: float
    most: float
    kind: type[int] | tuple[type[int], type[float]] = (int, float)

    def __str__(self) -> str:
        kind = "a whole number" if self.kind is int else "a number"
        return f"{kind} from {self.least:g} to {self.most:g}"


class OneOf(NamedTuple):
    """Some texts."""

    texts: tuple[str, ...]


NUMBER = Number(-1e39, 1e39)  # all of float32
COUNT = Number(0, 1e15, int)
SHARE = Number(0, 1)


def check(value: Any, shape: Any, where: str) -> None:
    """Raises InputError, which begins with `where`, unless `value` has the shape."""
    if isinstance(shape, Number):
        if not _is_number(value, shape):
            raise InputError(f"{where}: {value!r:.40} should be {shape}")
    elif isinstance(shape, OneOf):
        if value not in shape.texts:
            known = ", ".join(shape.texts)
            raise InputError(f"{where}: {value!r:.40} should be one of {known}")
    elif isinstance(shape, tuple):
        if value is not None:
            check(value, shape[0], where)
    else:
        kind: Any = shape if isinstance(shape, type) else type(shape)
        if not isinstance(value, kind) or (kind is str and not _is_text(value)):
            raise InputError(f"{where}: {value!r:.40} should be {_SAID[kind]}")
        if isinstance(shape, list):
            _check_list(value, shape, where)
        if isinstance(shape, dict):
            _check_object(value, shape, where)


def _check_list(value: list, shape: list, where: str) -> None:
    if 1 < len(shape) != len(value):
        raise InputError(f"{where}: {value!r:.40} should have {len(shape)} elements")
    for item, inner in zip(
        value, shape if shape[1:] else shape * len(value), strict=True
    ):
        check(item, inner, where)


def _check_object(value: dict, shape: dict, where: str) -> None:
    for name, inner in shape.items():
        if name is ...:
            for key, item in value.items():
                check(key, str, where)
                check(item, inner, where)
        elif (plain := name.removesuffix("?")) in value:
            check(value[plain], inner, f"{where}: {plain}")
        elif name == plain:
            raise InputError(f"{where}: no {name!r}: written by another version?")


def _is_number(value: Any, shape: Number) -> bool:
    if not isinstance(value, shape.kind) or isinstance(value, bool):
        return False
    return shape.least <= value <= shape.most  # NaN is in no range


def _is_text(value: str) -> bool:
    if value.isprintable():
        return True
    return not {unicodedata.category(letter) for letter in value} & _NO_TEXT
