"""Grids: products of settings, as --grid says them, and the conditions they stand for.

`aggregator=mean; smoothing=uniform,unigram; alpha=0.1,0.2` stands for four conditions.
Settings that a grid leaves out are as the other flags say.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from vladser import registry
from vladser.condition import OPTIONS, PARTS, Condition, applies, make, names_among
from vladser.errors import InputError

_MOST = 10_000  # conditions of one grid: more are a mistake


@dataclass(frozen=True)
class Grid:
    """One --grid: the values of each of its settings."""

    values: tuple[tuple[str, tuple[Any, ...]], ...]

    def __str__(self) -> str:
        return "; ".join(f"{name}={','.join(map(str, of))}" for name, of in self.values)


def parse(text: str, parsers: Mapping[str, Callable[[str], Any]]) -> Grid:
    """Parses the value of a --grid.

    Args:
      text: `SETTING=VALUE,VALUE; SETTING=VALUE`.
      parsers: the parser of each setting that a grid may vary, by name.

    Raises:
      ValueError: an unknown or repeated setting, an empty list, or a value that is
        wrong or repeated.
    """
    known = ", ".join(parsers)
    lists: dict[str, tuple[Any, ...]] = {}
    for part in text.split(";"):
        name, equals, values = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                f"expected SETTING=VALUE,VALUE;SETTING=..., got {part.strip()!r}; "
                f"settings are {known}"
            )
        if name not in parsers:
            raise ValueError(f"unknown setting {name!r}: one of {known}")
        if name in lists:
            raise ValueError(f"{name} stands twice: give it one list of values")
        lists[name] = tuple(
            _value(name, value.strip(), parsers[name]) for value in _split(values)
        )
        for value, count in Counter(lists[name]).items():
            if count > 1:
                raise ValueError(f"{name}={value} stands twice in {values}")
    return Grid(tuple(lists.items()))


def conditions(grids: Sequence[Grid], base: Mapping[str, Any]) -> list[Condition]:
    """Returns the union of the grids, each condition once.

    A setting that a condition does not have is left out of it: with encoder=lstm,none
    and cells=8,16 there is one condition without an encoder.

    Args:
      grids: none stands for the one condition of `base`.
      base: the values of the settings that the flags give, by name.

    Raises:
      InputError: a setting or value that makes no difference, an option that is given
        twice, too many conditions, or values that are the same to 15 digits.
    """
    union = dict[Condition, None]()
    for grid in grids or [Grid(())]:
        try:
            union |= dict.fromkeys(_members(grid, base))
        except InputError as error:
            raise InputError(f"--grid={grid}: {error}" if grids else error) from None
    for name, count in Counter(names_among(list(union))).items():
        if count > 1:
            raise InputError(f"--grid: {count} conditions are {name} to 15 digits")
    _require(base, union, "--")
    return list(union)


def _members(grid: Grid, base: Mapping[str, Any]) -> list[Condition]:
    """Returns the product of a grid, in which conditions may repeat."""
    lists = dict(grid.values)
    if (size := math.prod(map(len, lists.values()))) > _MOST:
        raise InputError(f"{size:,} conditions; at most {_MOST:,}")
    products = [dict(zip(lists, p, strict=True)) for p in product(*lists.values())]
    members = [_member({**base, **own}) for own in products]
    _require(lists, members)
    for name in lists:
        alike: dict[tuple[Condition, ...], Any] = {}
        for value in lists[name]:
            having = [
                member
                for own, member in zip(products, members, strict=True)
                if own[name] == value
            ]
            if (other := alike.setdefault(tuple(having), value)) != value:
                raise InputError(
                    f"{name}={other} and {name}={value} make no difference here"
                )
    return members


def _member(settings: Mapping[str, Any]) -> Condition:
    """Returns the condition of those settings that its parts have.

    Raises:
      InputError: an option is given twice, by its own name and in its part.
    """
    parts = make(**{name: settings[name] for name in PARTS if name in settings})
    own = {n: value for n, value in settings.items() if applies(n, parts)}
    for name in own.keys() & OPTIONS.keys():
        part, usual = getattr(parts, OPTIONS[name]), own[name]
        if "." not in part.name:
            usual = registry.ROOMS[OPTIONS[name]].options(part.name)[name].default
        if dict(part.options)[name] not in (usual, own[name]):
            raise InputError(f"{name}={own[name]} and {part} differ: give one of them")
    return make(**own)


def _require(
    names: Iterable[str], conditions: Iterable[Condition], prefix: str = ""
) -> None:
    """Raises InputError for a setting that none of the conditions has."""
    for name in names:
        if not any(applies(name, condition) for condition in conditions):
            kind = OPTIONS[name]
            raise InputError(f"{prefix}{name}: no {kind} of this run has that option")


def _split(values: str) -> Iterator[str]:
    """Splits at commas outside parentheses: netvlad(clusters=4,ghost=2) is a value."""
    start = depth = 0
    for place, letter in enumerate(values):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            yield values[start:place]
            start = place + 1
    yield values[start:]


def _value(name: str, text: str, parser: Callable[[str], Any]) -> Any:
    if not text:
        raise ValueError(f"{name} lacks a value: write {name}=VALUE,VALUE,...")
    try:
        return parser(text)
    except ValueError as error:
        raise ValueError(f"{name}={text}: {error}") from None
