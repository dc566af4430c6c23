"""Settings dataclasses: all that a program's command line takes, a field a flag.

A field's annotation says what values its flag takes, and the docstring's "Attributes"
what `--help` says of it. Modules of settings import annotations from `__future__`, so
that they stay text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from absl import flags
from platformdirs import user_cache_path

from launch.command_line import parsers
from vladser import options
from vladser.errors import InputError


class Flag(NamedTuple):
    """How a flag is declared."""

    group: str  # where `--help` lists it
    default: Any = None  # unless it is given, as text or parsed; None is not parsed
    # From text to value; raises ValueError, which says what is expected. By default
    # that of the field's annotation.
    parse: Callable[..., Any] = parsers.annotated
    text: str = ""  # what `--help` says; "" stands for what the docstring says
    repeatable: bool = False  # it may be given several times; its value is a tuple
    required: bool = False


def flag(*declared: Any, **more: Any) -> Any:
    """Declares a field that is a flag of the same name; the arguments are `Flag`'s."""
    return dataclasses.field(metadata={"flag": Flag(*declared, **more)})


def several(declared: Mapping[str, Flag]) -> Any:
    """Declares a field that holds the values of flags by name, None left out."""
    return dataclasses.field(metadata={"flags": declared})


def words(name: str) -> Any:
    """Declares a field that holds the arguments that are no flags, one or more, which
    messages call `name`."""
    return dataclasses.field(metadata={"words": name})


def found() -> Any:
    """Declares a field that `Settings.checked` fills."""
    return dataclasses.field(default=None, kw_only=True)


def cache_dir(group: str) -> Any:
    """Declares the folder of features, the same for every program; it has to be given
    where the user has no home folder."""
    text = "where features, compiled programs and the demo corpus are kept."
    with suppress(RuntimeError):
        usual = user_cache_path("vladser").expanduser()
        return flag(group, str(usual), parsers.absolute, text)
    return flag(group, None, parsers.absolute, text, required=True)


@dataclass(frozen=True)
class Settings:
    """What every program takes; the settings of a program inherit it.

    Attributes:
      flagfile: the last flagfile on the command line.
      verbose: whether errors show their traceback.
    """

    flagfile: Path | None = dataclasses.field(
        metadata={"flag": Flag("General")}, compare=False
    )
    verbose: bool = dataclasses.field(
        metadata={"flag": Flag("General", "false")}, compare=False
    )

    def checked(self) -> Self:
        """Returns the settings, with the defaults that depend on other flags; raises
        InputError for flags that do not go together, or name what does not exist."""
        return self


def declared(settings: type[Settings]) -> Iterator[tuple[str, Flag]]:
    """Yields the name of each flag, and its declaration with parser and text."""
    texts: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        texts |= options.texts(kind.__doc__, "Attributes")
    for field in dataclasses.fields(settings):
        yield from field.metadata.get("flags", {}).items()
        if flag := field.metadata.get("flag"):
            parse = flag.parse
            if parse is parsers.annotated:
                assert isinstance(field.type, str), "no annotations from __future__"
                parse = parse(field.type, flag.default)
            text = flag.text or texts.get(field.name, "")
            yield field.name, flag._replace(parse=parse, text=text)


def define(values: flags.FlagValues, settings: type[Settings]) -> None:
    """Defines the flags of `settings` on `values`."""
    for name, flag in declared(settings):
        kind: Any = flags.MultiFlag if flag.repeatable else flags.Flag
        parser, boolean = _Parser(flag.parse), flag.parse is parsers.boolean
        defined = kind(parser, None, name, flag.default, "", boolean=boolean)
        flags.DEFINE_flag(defined, values)


def read(
    values: flags.FlagValues, settings: type[Settings], words: Sequence[str]
) -> Any:
    """Returns the settings that a command line gives, not yet `checked`.

    Args:
      values: with the flags that `define` defines, parsed.
      settings: the type of the result.
      words: the arguments that are no flags.

    Raises:
      InputError: a required flag or all words are missing, or there may be no words.
    """
    given: dict[str, Any] = {}
    if words and not any("words" in f.metadata for f in dataclasses.fields(settings)):
        raise InputError(f"unexpected {words[0]!r}: all options are --flag=value")
    for name, flag in declared(settings):
        value = values[name].value
        if flag.required and value is None:
            raise InputError(f"--{name} is required: {flag.text.rstrip('.')}")
        given[name] = tuple(value or ()) if flag.repeatable else value
    for field in dataclasses.fields(settings):
        if named := field.metadata.get("words"):
            if not all(words or [""]):
                raise InputError(f"{named} is missing: --help says how to call this")
            given[field.name] = tuple(words)
        if names := field.metadata.get("flags"):
            own = {name: given.pop(name) for name in names}
            given[field.name] = {n: v for n, v in own.items() if v is not None}
    return settings(**given)


class _Parser(flags.ArgumentParser):
    def __init__(self, parse: Callable[[Any], Any]):
        self.parse = parse  # type: ignore[assignment]
