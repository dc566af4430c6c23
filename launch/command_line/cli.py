"""From a command line to a main: flagfiles, `--help`, one-line errors, exit statuses.

absl parses the flags. absl.app is not used: it lists none of our flags in `--help`,
ignores stray words and answers mistakes with status 1.

Exit status: 0 success; 2 wrong use; 1 anything else that stops the program, such as a
bug, which alone shows a traceback; 128 and the number of the signal that interrupted
it: 130 for Ctrl-C (SIGINT), 143 for a scheduler's SIGTERM.
"""

import difflib
import inspect
import os
import sys
import textwrap
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from absl import flags

import vladser
from launch.command_line import environment, fields, flagfiles, stopping
from launch.command_line.fields import Settings
from launch.command_line.stopping import Stopped
from vladser.errors import InputError, VladserError

_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, no Unicode, line ends
_GENERAL = {
    "flagfile": "Reads flags from a file, one --flag=value a line; flags that come "
    "after it on the command line win over it. Shipped with vladser: "
    + ", ".join(file.name for file in flagfiles.shipped()),
    "help": "Shows this.",
    "verbose": "Shows the traceback of an error as well.",
    "version": "Shows the version of vladser.",
}
_UNDOCUMENTED = "python -OO has dropped the texts: without it, --help says more."
_Settings = TypeVar("_Settings", bound=Settings)


class UsageError(InputError):
    """The command line is wrong, rather than the data it names: exit status 2."""


def start(
    main: Callable[[Any], None], settings: type[Settings], usage: str
) -> NoReturn:
    """Runs a program and ends the process, whatever signals come; see `run`."""
    environment.read_utf8()
    try:
        status = run(main, settings, usage)
    except Exception:
        if not stopping.asked():  # else it is caused by what has begun to end
            raise
        status = 1
    stopping.leave(status)


def run(
    main: Callable[[Any], None],
    settings: type[Settings],
    usage: str,
    argv: Sequence[str] | None = None,
) -> int:
    """Runs a program within this process.

    Args:
      main: takes the settings that the command line gives.
      settings: their type; its fields are the flags, see `fields`.
      usage: what `--help` says before the flags.
      argv: the arguments without the program's name; sys.argv's where None.

    Returns:
      The exit status.
    """
    environment.settle()
    argv = sys.argv[1:] if argv is None else argv
    asked = {arg.partition("=")[0] for arg in argv}
    try:
        if asked & {"--help", "-help", "-h"}:
            print(_help(settings, usage))
        elif asked & {"--version", "-version"}:
            print(f"vladser {vladser.__version__}")
        else:
            main(parse(settings, argv))
        sys.stdout.flush()
    except VladserError as error:
        _complain(str(error), argv)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt as error:
        if not stopping.listening():  # else `stopping` prints it at the end
            print("interrupted", file=sys.stderr)
        return error.status if isinstance(error, Stopped) else 130
    except OSError as refused:
        try:
            print(flush=True)
        except BrokenPipeError:  # its reader has left
            pass
        except OSError as error:
            said = f"standard output cannot be written: {error.strerror}"
            print(f"error: {said}", file=sys.stderr)
        else:  # it is not the cause
            if refused.strerror is None:  # nor the system
                raise
            where = refused.filename or "the system refuses (--verbose shows what)"
            _complain(f"{where}: {refused.strerror}", argv)
            return 1
        # Python flushes it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _complain(said: str, argv: Sequence[str]) -> None:
    """Prints an error that is being handled, but of a process that was told to stop."""
    if not stopping.asked():
        if "--verbose" in argv:
            traceback.print_exc()
        print(f"error: {' '.join(said.splitlines())}", file=sys.stderr)


def parse(settings: type[_Settings], argv: Sequence[str]) -> _Settings:
    """Returns the settings that a command line gives, checked.

    Args:
      settings: their type.
      argv: the arguments without the program's name.

    Raises:
      UsageError: an unknown flag, a bad value, a stray or missing word, a wrong
        flagfile, or what `settings` refuses.
    """
    values = _Flags()
    fields.define(values, settings)
    try:
        words = _words(values, argv)
        with wrong_use():
            return fields.read(values, settings, words).checked()
    except OSError as error:  # a path that the system does not take
        place = error.filename or "the working directory"  # which was removed
        raise UsageError(f"{place}: {error.strerror}") from None


def _words(values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
    """Parses the flags into `values`; returns the other arguments."""
    try:
        return values(["", *argv])[1:]
    except flags.UnrecognizedFlagError as error:
        names = [*values, *_GENERAL]
        close = difflib.get_close_matches(error.flagname, names, n=1)
        hint = f"did you mean --{close[0]}?" if close else "--help lists all flags"
        raise UsageError(f"unknown flag --{error.flagname}: {hint}") from None
    except (flags.Error, ValueError) as error:  # InputErrors are ValueErrors
        raise UsageError(str(error).removeprefix("flag ")) from None


@contextmanager
def wrong_use() -> Iterator[None]:
    """Turns what the library refuses in here into a UsageError."""
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None


class _Flags(flags.FlagValues):
    """absl's flags, with our flagfiles."""

    def read_flags_from_files(
        self, argv: Sequence[str], force_gnu: bool = True
    ) -> list[str]:
        return [_checked(arg) for arg in flagfiles.expand(argv)]


def _checked(arg: str) -> str:
    """Raises InputError for what no file, path or line of a report can hold."""
    if {unicodedata.category(letter) for letter in arg} & _NO_TEXT:
        raise InputError(f"{arg!r:.200} holds a character that no line of text has")
    path = arg.partition("=")[2] if arg.startswith("-") else arg
    try:
        Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{arg}: no home folder of that name") from None
    return arg


def _help(settings: type[Settings], usage: str) -> str:
    """Returns what --help prints: the usage, and the flags by group."""
    groups: dict[str, dict[str, str]] = {}
    for name, flag in fields.declared(settings):
        text = flag.text[:1].upper() + flag.text[1:] + " Required." * flag.required
        default = "" if flag.default is None else f" (default: {flag.default})"
        groups.setdefault(flag.group, {})[name] = text + default
    del groups["General"]
    groups["General"] = _GENERAL
    lines = [inspect.cleandoc(usage or _UNDOCUMENTED)]
    wrapper = textwrap.TextWrapper(88, break_on_hyphens=False)
    wrapper.subsequent_indent = " " * 24
    for group, entries in groups.items():
        lines += ["", f"{group}:"]
        for name, text in entries.items():
            wrapper.initial_indent = f"  --{name}".ljust(24)
            lines.append(wrapper.fill(text) or wrapper.initial_indent.rstrip())
    return "\n".join(lines)
