"""From a command line to a main: flagfiles, `--help`, one-line errors, exit statuses.

absl defines and parses the flags. absl.app is not used: it lists none of our flags in
`--help`, lets stray words pass and answers mistakes with status 1.

Exit status: 0 all well; 2 wrong use; 1 anything else that stops the program, a bug
included, which alone shows a traceback; 130 interrupted by Ctrl-C (SIGINT), 143 by a
scheduler (SIGTERM).
"""

import difflib
import inspect
import os
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from absl import flags

import vladser
from launch.command_line import flagfiles, stopping
from launch.command_line.stopping import Stopped
from vladser.errors import InputError, VladserError

_GENERAL = {
    "flagfile": "Reads flags from a file, one --flag=value a line; flags that come "
    "after it on the command line win over it. Shipped with vladser: "
    + ", ".join(file.name for file in flagfiles.shipped()),
    "help": "Shows this.",
    "version": "Shows the version of vladser.",
}
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, no Unicode, line ends


class UsageError(InputError):
    """The command line is wrong, rather than the data it names: exit status 2."""


def start(
    main: Callable[[Any], None],
    define: Callable[[flags.FlagValues], None],
    read: Callable[..., Any],
    usage: str,
    positional: str | None = None,
) -> NoReturn:
    """Runs a program and ends the process, whatever signals come: see `run`."""
    try:
        status = run(main, define, read, usage, positional=positional)
    except Exception:
        if not stopping.asked():  # else it comes of what has begun to end
            raise
        status = 1
    stopping.leave(status)


def run(
    main: Callable[[Any], None],
    define: Callable[[flags.FlagValues], None],
    read: Callable[..., Any],
    usage: str,
    argv: Sequence[str] | None = None,
    positional: str | None = None,
) -> int:
    """Runs a program within this process.

    Args:
      main: takes what `read` returns.
      define: defines the flags; their module names are the groups of `--help`.
      read: turns parsed flags into what main takes. It finds among them `flagfile`, the
        path of the last flagfile on the command line, or None. The program's words
        follow as arguments of their own.
      usage: what `--help` says before the flags.
      argv: the arguments without the program's name; sys.argv's where None.
      positional: what the words stand for that are no flags, say "RUN", of which there
        has to be one or more; a program that names none takes none.

    Returns:
      The exit status.
    """
    if sys.stdout is None:  # it was closed by whoever started the program
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    argv = sys.argv[1:] if argv is None else argv
    asked = {arg.partition("=")[0] for arg in argv}
    try:
        if asked & {"--help", "-help", "-h"}:
            print(_help(define, usage))
        elif asked & {"--version", "-version"}:
            print(f"vladser {vladser.__version__}")
        else:
            main(parse(define, read, argv, positional))
        sys.stdout.flush()
    except VladserError as error:
        if not stopping.asked():
            print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt as error:
        if not stopping.listening():  # else it is said at the end
            print("interrupted", file=sys.stderr)
        return error.status if isinstance(error, Stopped) else 130
    except OSError:
        if (reason := _wrong_with_stdout()) is None:
            raise
        if not isinstance(reason, BrokenPipeError):  # else whoever read it has left
            print(
                f"error: standard output cannot be written: {reason.strerror}",
                file=sys.stderr,
            )
        # Python flushes it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def parse(
    define: Callable[[flags.FlagValues], None],
    read: Callable[..., Any],
    argv: Sequence[str],
    positional: str | None = None,
) -> Any:
    """Returns what `read` makes of `argv`; the arguments are those of `run`.

    Raises:
      UsageError: an unknown flag, a bad value, a stray or missing word, a wrong
        flagfile, or what `read` refuses.
    """
    values = _Flags()
    define(values)
    flags.DEFINE_string("flagfile", None, "", values)
    try:
        _, *words = values(["", *argv])
    except flags.UnrecognizedFlagError as error:
        close = difflib.get_close_matches(error.flagname, [*values, *_GENERAL], n=1)
        hint = f"did you mean --{close[0]}?" if close else "--help lists all flags"
        raise UsageError(f"unknown flag --{error.flagname}: {hint}") from None
    except (flags.Error, ValueError) as error:
        raise UsageError(str(error).removeprefix("flag ")) from None
    if words and positional is None:
        raise UsageError(f"unexpected {words[0]!r}: all options are --flag=value")
    if positional and not all(words or [""]):
        raise UsageError(f"{positional} is missing: --help says how to call this")
    try:
        with wrong_use():
            return read(values, *words)
    except OSError as error:  # a path that the system does not take
        raise UsageError(f"{error.filename}: {error.strerror}") from None


@contextmanager
def wrong_use() -> Iterator[None]:
    """Turns what the library refuses in here into a UsageError."""
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None


class _Flags(flags.FlagValues):
    """absl's flags, but flagfiles are found, checked and reported our way, and what is
    given is text: it can be a line of a flagfile, part of a path, of a report."""

    def read_flags_from_files(
        self, argv: Sequence[str], force_gnu: bool = True
    ) -> list[str]:
        return [_checked(arg) for arg in flagfiles.expand(argv)]


def _checked(arg: str) -> str:
    """Raises UsageError for what no file, path or line can hold."""
    if {unicodedata.category(letter) for letter in arg} & _NO_TEXT:
        raise UsageError(f"{arg!r:.200} holds a letter that no line of text has")
    path = arg.partition("=")[2] if arg.startswith("-") else arg
    if path.startswith("~"):
        try:
            Path(path).expanduser()
        except RuntimeError:
            raise UsageError(f"{arg}: no home folder of that name") from None
    return arg


def _help(define: Callable[[flags.FlagValues], None], usage: str) -> str:
    values = flags.FlagValues()
    define(values)
    lines = [inspect.cleandoc(usage)]
    for group, members in values.flags_by_module_dict().items():
        lines += ["", f"{group}:"]
        lines += [_entry(flag.name, _with_default(flag)) for flag in members]
    lines += ["", "General:"]
    lines += [_entry(name, text) for name, text in _GENERAL.items()]
    return "\n".join(lines)


def _entry(name: str, text: str) -> str:
    return textwrap.fill(
        text,
        width=88,
        initial_indent=f"  --{name}".ljust(24),
        subsequent_indent=" " * 24,
        break_on_hyphens=False,
    )


def _with_default(flag: flags.Flag) -> str:
    default = flag.default_unparsed
    return flag.help if default is None else f"{flag.help} (default: {default})"


def _wrong_with_stdout() -> OSError | None:
    try:
        print(flush=True)
    except OSError as error:
        return error
    return None
