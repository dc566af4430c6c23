"""Shows results, to people on a terminal and to programs elsewhere."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence

from launch.predicting import formats
from launch.streaming.following import Result

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR = 10  # letters


def make(emotions: Sequence[str]) -> Callable[[Result], None]:
    """Returns what shows a result on standard output.

    On a terminal a result replaces the one before, unless that was final; elsewhere
    each is a line of JSON.
    """
    if not sys.stdout.isatty():
        return lambda result: print(as_json(result, emotions), flush=True)

    def show(result: Result) -> None:
        width = shutil.get_terminal_size().columns - 1  # the last column may wrap
        text = as_line(result, emotions)[:width]
        print(f"\r\x1b[K{text}", end="\n" if result.final else "", flush=True)

    return show


def as_json(result: Result, emotions: Sequence[str]) -> str:
    """Returns an object of start, time, final, predicted and probabilities.

    Args:
      result: what it says.
      emotions: the classes.
    """
    odds = formats.probabilities(emotions, result.probabilities)
    return json.dumps(
        {
            "start": result.start,
            "time": result.time,
            "final": result.final,
            "predicted": max(odds, key=odds.__getitem__),
            "probabilities": odds,
        },
        ensure_ascii=False,
    )


def as_line(result: Result, emotions: Sequence[str]) -> str:
    """Returns time, emotion, a bar of its probability, and all probabilities.

    Args:
      result: what it says.
      emotions: the classes.
    """
    odds = dict(zip(emotions, map(float, result.probabilities), strict=True))
    best = max(odds, key=odds.__getitem__)
    name = best.ljust(max(map(len, emotions)))
    shares = "  ".join(f"{name} {p:3.0%}" for name, p in odds.items())
    return f"{result.time:6.1f} s  {name}  {_bar(odds[best])}  {shares}"


def _bar(share: float) -> str:
    full, part = divmod(round(share * _BAR * 8), 8)
    return ("█" * full + _EIGHTHS[part].strip()).ljust(_BAR)
