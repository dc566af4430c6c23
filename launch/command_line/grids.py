"""The flags of a condition, and grids: products of their values.

Each setting of `vladser.condition` is a flag, by its annotation, default and docstring.
`--grid=aggregator=mean; smoothing=uniform,unigram; alpha=0.1,0.2` stands for four
conditions; settings that a grid leaves out are as the other flags say.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from launch.command_line import parsers
from launch.command_line.fields import Flag
from vladser import condition, options, registry
from vladser.condition import DEFAULTS, OPTIONS, PARTS, Condition, applies, make
from vladser.errors import InputError
from vladser.registry import Room

_GROUP = "Condition"
_MOST = 10_000  # conditions of one grid: more are a mistake


def flags() -> dict[str, Flag]:
    """Returns the flags by name, in the order of `condition.setting_names`."""
    texts = options.texts(Condition.__doc__, "Attributes")
    return {
        name: _flag(name, texts.get(name, "")) for name in condition.setting_names()
    }


def _flag(name: str, text: str) -> Flag:
    if name in OPTIONS:
        return _of_option(name, registry.ROOMS[OPTIONS[name]])
    if name in PARTS:
        room = registry.ROOMS[name]
        text = f"{text} One of {', '.join(room.names())}."
        return Flag(_GROUP, DEFAULTS[name], room.parse, text)
    return Flag(_GROUP, DEFAULTS[name], parsers.option(*condition.NUMBERS[name]), text)


def _of_option(name: str, room: Room) -> Flag:
    """Returns the flag of an option: where it is not given, each part has its own."""
    options = {part: room.options(part).get(name) for part in room.names()}
    having = {part: option for part, option in options.items() if option}
    usual = room.parse(str(DEFAULTS[room.kind])).name
    first = having.get(usual) or next(iter(having.values()))
    parts: dict[Any, list[str]] = {}
    for part, option in having.items():
        parts.setdefault(option.default, []).append(part)
    defaults = [f"{value} for {', '.join(of)}" for value, of in parts.items()]
    text = f"{first.text} (default: {'; '.join(defaults)})"
    return Flag(_GROUP, None, parsers.option(*first[:2]), text)


@dataclass(frozen=True)
class Grid:
    """One --grid: the values of each of its settings."""

    values: tuple[tuple[str, tuple[Any, ...]], ...]

    def __str__(self) -> str:
        return "; ".join(f"{name}={','.join(map(str, of))}" for name, of in self.values)


def grid(text: str) -> Grid:
    """Parses `SETTING=VALUE,VALUE; SETTING=VALUE`, the value of --grid; raises
    ValueError for an unknown or repeated setting, or a wrong value."""
    known, lists = flags(), dict[str, tuple[Any, ...]]()
    for part in text.split(";"):
        name, equals, values = (piece.strip() for piece in part.partition("="))
        if not equals or name not in known or name in lists:
            raise ValueError(
                "expected SETTING=VALUE,VALUE;SETTING=..., each setting once, "
                f"got {part.strip()!r}; settings are {', '.join(known)}"
            )
        lists[name] = ()
        for value in map(str.strip, _split(values)):
            try:
                lists[name] += (known[name].parse(value),)
            except ValueError as error:
                raise ValueError(f"{name}={value}: {error}") from None
    return Grid(tuple(lists.items()))


def _split(values: str) -> Iterator[str]:
    """Splits at commas outside parentheses; ghostvlad(clusters=4,ghosts=2) is one."""
    start = depth = 0
    for place, letter in enumerate(values):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            yield values[start:place]
            start = place + 1
    yield values[start:]


def conditions(grids: Sequence[Grid], base: Mapping[str, Any]) -> list[Condition]:
    """Returns the union of the grids, each condition once.

    A setting that a condition does not have is left out of it: with encoder=lstm,none
    and cells=8,16 there is one condition without an encoder.

    Args:
      grids: none stands for the one condition of `base`.
      base: the values of the settings that the flags give, by name.

    Raises:
      InputError: a setting that no condition has, an option that is given twice, or
        too many conditions.
    """
    union = dict[Condition, None]()
    for grid in grids or [Grid(())]:
        try:
            union |= dict.fromkeys(_members(grid, base))
        except InputError as error:
            raise InputError(f"--grid={grid}: {error}" if grids else error) from None
    _require(base, union, "--")
    return list(union)


def _members(grid: Grid, base: Mapping[str, Any]) -> list[Condition]:
    """Returns the product of a grid, in which conditions may repeat."""
    lists = dict(grid.values)
    if (size := math.prod(map(len, lists.values()))) > _MOST:
        raise InputError(f"{size:,} conditions; at most {_MOST:,}")
    products = (dict(zip(lists, p, strict=True)) for p in product(*lists.values()))
    members = [_member({**base, **own}) for own in products]
    _require(lists, members)
    return members


def _member(settings: Mapping[str, Any]) -> Condition:
    """Returns the condition of those settings that its parts have; raises InputError
    for an option that is given twice, by its own name and in its part."""
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
        if not any(applies(name, member) for member in conditions):
            kind = OPTIONS[name]
            raise InputError(f"{prefix}{name}: no {kind} of this run has that option")
