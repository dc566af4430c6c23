"""Shows results, to people on a terminal and to programs elsewhere."""

import json
import shutil
import sys

from launch.streaming.following import Result

_BAR = 10  # letters


def show(result: Result) -> None:
    """Prints a result.

    On a terminal it replaces the one before, unless that was final; elsewhere each is a
    line of JSON.
    """
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1  # the last column may wrap
        end = "\n" if result.final else ""
        print(f"\r\x1b[K{as_line(result)[:width]}", end=end, flush=True)
    else:
        print(as_json(result), flush=True)


def as_json(result: Result) -> str:
    """Returns an object of the fields of a result."""
    return json.dumps(result._asdict(), ensure_ascii=False)


def as_line(result: Result) -> str:
    """Returns time, emotion, a bar of its probability, and all probabilities."""
    odds = result.probabilities
    name = result.predicted.ljust(max(map(len, odds)))
    bar = ("█" * round(_BAR * odds[result.predicted])).ljust(_BAR)
    shares = "  ".join(f"{name} {p:3.0%}" for name, p in odds.items())
    return f"{result.time:6.1f} s  {name}  {bar}  {shares}"
