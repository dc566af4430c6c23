"""Figures of one table: what was measured, in which way, how much."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from launch.benchmarking import contest
from vladser.text import NONE, table

REPEATS = 7


class Row(NamedTuple):
    """A figure: of what, in which way, how much, in which unit."""

    what: str
    way: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None


def shown(rows: Sequence[Row]) -> str:
    """Returns the figures as Markdown."""
    columns = "what", "way", "median", "low-high", "unit"
    cells = [
        (
            *(row.what, row.way, NONE if row.value is None else f"{row.value:.3g}"),
            "" if row.low is None else f"{row.low:.3g}-{row.high:.3g}",
            row.unit,
        )
        for row in rows
    ]
    return table(columns, cells, {0, 1, 4}, markdown=True)


def timed(function: Callable, *arguments: Any) -> list[float]:
    """Returns the seconds of each call, after two to compile and warm up."""
    seconds = []
    for _ in range(REPEATS + 2):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - begin)
    return seconds[2:]


def spread(
    what: str, way: str, values: Sequence[float], factor: float, unit: str
) -> Row:
    """Returns the median and the range of values, times a factor."""
    found = contest.spread([value * factor for value in values])
    return Row(what, way, found["median"], unit, found["low"], found["high"])
