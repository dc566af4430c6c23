"""Figures of one table: what was measured, in which way, how much."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import jax

from vladser.text import NONE, table

REPEATS = 7


class Row(NamedTuple):
    """A figure: of what, in which way, how much each time, in which unit."""

    what: str
    way: str
    values: Sequence[float]  # none of what could not be measured
    unit: str

    def cells(self) -> list[str]:
        """Returns the row with the median and the range of its values."""
        return [self.what, self.way, *spread(self.values), self.unit]


def spread(values: Sequence[float], form: str = "{:.3g}") -> tuple[str, str]:
    """Returns the median and, of several, the range."""
    if not len(values):
        return NONE, ""
    middle, low, high = (form.format(of(values)) for of in (median, min, max))
    return middle, f"{low}-{high}" if len(values) > 1 else ""


def shown(rows: Sequence[Row]) -> str:
    """Returns the figures as Markdown."""
    columns = "what", "way", "median", "low-high", "unit"
    return table(columns, [row.cells() for row in rows], {0, 1, 4}, markdown=True)


def timed(function: Callable, *arguments: Any) -> list[float]:
    """Returns the seconds of each call, after two to compile and warm up."""
    seconds = []
    for _ in range(REPEATS + 2):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - begin)
    return seconds[2:]
