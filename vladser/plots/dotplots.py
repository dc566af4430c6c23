"""Dot plots: conditions and speakers, a row each."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style

_ABOVE = 0.36  # of a row, from the point to its name
_MOST = 30  # speakers


def conditions(
    names: Sequence[str],
    mean: Sequence[float],
    interval: Sequence[tuple[float, float] | None],
    published: Sequence[float | None] = (),
    reference: str | None = None,
) -> Figure:
    """Draws one row a condition: its UA as a point, its interval as a bar.

    Args:
      names: [n].
      mean: [n] UA, shares.
      interval: [n] (low, high); None where there is none.
      published: [n], or empty: the paper's UA, a second marker; None for none.
      reference: which of the names the others are compared with, drawn as a line.
    """
    figure = style.figure(0.9 + 0.42 * len(names))
    axes = figure.subplots()
    row, percent = np.arange(len(names)), 100 * np.array(mean)
    ends = [(m, m) if i is None else i for m, i in zip(mean, interval, strict=True)]
    ours, theirs, *_ = style.COLORS
    low, high = 100 * np.transpose(ends)
    axes.hlines(row, low, high, color=ours, linewidth=2, alpha=0.6)
    label = "95 % interval" if any(interval) else "mean"
    axes.plot(percent, row, "o", color=ours, label=label)
    if any(published):
        given = 100 * np.array(published, float)
        axes.plot(given, row, "D", color=theirs, fillstyle="none", label="the paper")
    if reference is not None:
        line = partial(axes.axvline, color=style.MUTED, linestyle="--", linewidth=1)
        line(percent[list(names).index(reference)], zorder=0, label="reference")
    over_grid = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1}
    write = partial(axes.text, fontsize=style.SIZE, color=style.INK, va="center")
    write = partial(write, bbox=over_grid, transform=axes.get_yaxis_transform())
    for at, name, value in zip(row - _ABOVE, names, percent, strict=True):
        write(0, at, name)
        write(1, at, f"{value:.1f}", ha="right")
    axes.set(ylim=(len(names) - 0.6, -0.7), yticks=[], xlabel="UA, %")
    style.dress(axes, "x")
    style.legend(figure, loc="outside lower center", ncols=3)
    return figure


def speakers(
    speakers: Sequence[str], names: Sequence[str], ua: np.ndarray, marked: int
) -> Figure:
    """Draws one row a speaker, the hardest on top: the UA of all conditions as a range,
    with its middle half and its median, and that of one condition as a marker.

    Args:
      speakers: [n]; of more than 30 the 30 hardest are drawn.
      names: [c] of the conditions.
      ua: [c, n] shares; NaN where a condition has none.
      marked: which condition gets the marker.
    """
    ua = 100 * np.asarray(ua, float)
    hardest = np.argsort(np.nanmean(ua, axis=0), kind="stable")[:_MOST]
    ua, row = ua[:, hardest], np.arange(len(hardest))
    figure = style.figure(1.1 + 0.2 * len(row))
    axes = figure.subplots()
    ours, theirs, *_ = style.COLORS
    if len(names) > 1:
        levels = [0, 0.25, 0.5, 0.75, 1]
        least, lower, median, upper, most = np.nanquantile(ua, levels, axis=0)
        bar = partial(axes.hlines, row, color=ours, alpha=0.45)
        bar(least, most, linewidth=1, label="all conditions")
        bar(lower, upper, linewidth=7, label="middle half")
        tick = partial(axes.plot, color=style.INK, markersize=8, markeredgewidth=1.5)
        tick(median, row, "|", label="median")
    axes.plot(ua[marked], row, "D", color=theirs, markersize=4.5, label=names[marked])
    axes.set_yticks(row, [speakers[n] for n in hardest])
    axes.set(ylim=(len(row) - 0.4, -0.6), xlabel="UA, %")
    style.dress(axes, "x")
    axes.tick_params(axis="y", colors=style.INK)
    style.legend(figure, loc="outside lower center", ncols=2)
    return figure
