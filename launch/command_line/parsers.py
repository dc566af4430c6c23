"""From the text of one flag to its value. A parser is a function that raises ValueError
with what would be right; absl puts the flag and its text before that."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags


def flag(
    group: str,
    default: Any,
    parse: Callable[[Any], Any],
    text: str,
    repeatable: bool = False,
) -> Any:
    """A field of a settings dataclass that is a flag of the same name.

    Args:
      group: where `--help` lists it.
      default: the flag's default, which is parsed as well unless it is None.
      parse: a parser, see above.
      text: what `--help` says.
      repeatable: it may be given several times; its value is a list then, or None.
    """
    return dataclasses.field(
        metadata={
            "group": group,
            "default": default,
            "parse": parse,
            "text": text,
            "repeatable": repeatable,
        }
    )


def define(values: flags.FlagValues, settings: type) -> None:
    """Defines on `values` the flags that the fields of a dataclass are."""
    for field in dataclasses.fields(settings):
        said = field.metadata
        kind: Any = flags.MultiFlag if said["repeatable"] else flags.Flag
        flag = kind(
            _Parser(said["parse"]),
            None,
            field.name,
            said["default"],
            said["text"],
            boolean=said["parse"] is boolean,
        )
        flags.DEFINE_flag(flag, values, module_name=said["group"])


class _Parser(flags.ArgumentParser):
    def __init__(self, parse: Callable[[Any], Any]):
        self._parse = parse

    def parse(self, argument: Any) -> Any:
        return self._parse(argument)


def one_of(*names: str) -> Callable[[str], str]:
    def parse(text):
        if text not in names:
            raise ValueError(f"should be one of {', '.join(names)}")
        return text

    return parse


def path(text: str) -> Path:
    if text.strip().splitlines() != [text]:  # a flagfile could not hold it
        raise ValueError("should be a path, with no space at its ends")
    return Path(text).expanduser()


def address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text != "auto" and not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError("should be HOST:PORT, or auto")
    return text


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("should be true or false")
    return text == "true"


def _number(kind: type, legal: Callable[[Any], bool], which: str) -> Callable:
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not legal(value):  # `legal` compares, and NaN fails every comparison
            raise ValueError(f"should be {which}")
        return value

    return parse


count = _number(int, lambda n: n >= 1, "an integer of at least 1")
index = _number(int, lambda n: n >= 0, "an integer of at least 0")
positive = _number(float, lambda x: 0 < x < math.inf, "a number above 0")
not_negative = _number(float, lambda x: 0 <= x < math.inf, "a number of at least 0")
share = _number(float, lambda x: 0 <= x <= 1, "a number from 0 to 1")
below_1 = _number(float, lambda x: 0 <= x < 1, "a number of at least 0 and below 1")
