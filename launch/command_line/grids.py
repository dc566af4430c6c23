"""Grids: products of settings, as --grid says them, and the conditions they stand for.

`aggregator=mean; smoothing=uniform,unigram; alpha=0.1,0.2` stands for four conditions.
What a grid leaves out is as the other flags say.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from vladser.condition import OPTIONS, PARTS, Condition, applies, make
from vladser.errors import InputError

_MOST = 10_000  # conditions of one grid: more are a slip of the pen


@dataclass(frozen=True)
class Grid:
    """One --grid: the values of each of its settings."""

    values: tuple[tuple[str, tuple[Any, ...]], ...]

    def __str__(self) -> str:
        return "; ".join(f"{name}={','.join(map(str, of))}" for name, of in self.values)


def parse(text: str, parsers: Mapping[str, Callable[[str], Any]]) -> Grid:
    """One grid.

    Args:
      parsers: of the settings that a grid may vary, by name.

    Raises:
      ValueError: an unknown or repeated setting, a list that is empty, a value that is
        wrong or repeated.
    """
    known, found = ", ".join(parsers), {}
    for part in text.split(";"):
        name, equals, values = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                f"{part.strip()!r} should be SETTING=VALUE,VALUE,...; settings are "
                f"separated by ';' and are among {known}"
            )
        if name not in parsers:
            raise ValueError(f"unknown setting {name!r}: one of {known}")
        if name in found:
            raise ValueError(f"{name} stands twice: give it one list of values")
        found[name] = tuple(
            _value(name, value.strip(), parsers[name]) for value in _split(values)
        )
        for value in found[name]:
            if found[name].count(value) > 1:
                raise ValueError(f"{name}={value} stands twice in {values}")
    return Grid(tuple(found.items()))


def conditions(grids: Iterable[Grid], base: Mapping[str, Any]) -> list[Condition]:
    """The union of the grids, each condition once; without a grid, that of `base`.

    Args:
      base: the values, by name, of the settings that a grid may vary.

    Raises:
      InputError: an alpha where nothing is smoothed, a grid that repeats another or has
        too many conditions, or values that are the same to 15 digits.
    """
    grids, union = list(grids), dict[Condition, None]()
    seen: dict[frozenset[Condition], Grid] = {}
    for grid in grids or [Grid(())]:
        names = [name for name, _ in grid.values]
        smoothings = dict(grid.values).get("smoothing", (base.get("smoothing"),))
        if "alpha" in names and set(smoothings) == {"none"}:
            raise InputError(
                f"--grid={grid}: alpha means nothing where smoothing is none alone; "
                "leave it out, or add smoothing=uniform,unigram"
            )
        if (size := math.prod(len(of) for _, of in grid.values)) > _MOST:
            raise InputError(
                f"--grid={f'{grid}':.60}...: {size:,} conditions; at most {_MOST:,}"
            )
        members = [
            _member(base, dict(zip(names, values, strict=True)))
            for values in product(*(of for _, of in grid.values))
        ]
        other = seen.setdefault(frozenset(members), grid)
        if other is not grid:
            raise InputError(
                f"--grid={grid}: the same conditions as --grid={other}; give it once"
            )
        union |= dict.fromkeys(members)
    counts = Counter(one.name for one in union)
    for name, count in counts.items():
        if count > 1:
            raise InputError(f"--grid: {count} conditions are {name} to 15 digits")
    for name in base:
        if not any(applies(name, one) for one in union):
            kind = OPTIONS[name]
            raise InputError(f"--{name}: no {kind} of this run has that option")
    return list(union)


def _split(values: str) -> Iterator[str]:
    """At commas in no parentheses: netvlad(clusters=4,ghost=2) is one value."""
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


def _member(base: Mapping[str, Any], own: Mapping[str, Any]) -> Condition:
    """One member of a grid: its `own` settings, and those of `base` that it has."""
    whole = {**base, **own}
    parts = make(**{name: whole[name] for name in PARTS if name in whole})
    return make(
        **{n: value for n, value in whole.items() if n in own or applies(n, parts)}
    )
