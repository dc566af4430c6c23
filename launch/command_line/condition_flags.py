"""The flags of a condition: one for each setting of `vladser.condition`.

Their types and texts are those of the settings: annotations, defaults and docstrings.
"""

from typing import Any

from launch.command_line import grids, parsers
from launch.command_line.fields import Flag
from launch.command_line.grids import Grid
from vladser import condition, options, registry
from vladser.condition import DEFAULTS, NUMBERS, OPTIONS, PARTS, Condition
from vladser.registry import Room

GROUP = "Condition"


def flags() -> dict[str, Flag]:
    """Returns the flags by name, in the order of `condition.names`."""
    texts = options.texts(Condition.__doc__, "Attributes")
    return {name: _flag(name, texts.get(name, "")) for name in condition.names()}


def grid(text: str) -> Grid:
    """Parses the value of `--grid`, which may vary every setting."""
    return grids.parse(text, {name: flag.parse for name, flag in flags().items()})


def _flag(name: str, text: str) -> Flag:
    if name in OPTIONS:
        return _of_option(name, registry.ROOMS[OPTIONS[name]])
    if name in PARTS:
        room = registry.ROOMS[name]
        text = f"{text} One of {', '.join(room.names())}."
        return Flag(GROUP, DEFAULTS[name], room.parse, text)
    return Flag(GROUP, DEFAULTS[name], parsers.option(*NUMBERS[name]), text)


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
    return Flag(GROUP, None, parsers.option(*first[:2]), text)
