"""Conditions beside each other, with their intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style

_ABOVE = 0.36  # of a row, from the point to its name


def draw(
    names: Sequence[str],
    mean: Sequence[float],
    interval: Sequence[tuple[float, float] | None],
    published: Sequence[float | None] | None = None,
    reference: str | None = None,
) -> Figure:
    """One row a condition: its UA as a point, its interval as a bar.

    Args:
      names: [n].
      mean: [n] UA, shares.
      interval: [n] (low, high); None where there is none.
      published: [n] the paper's UA, a second marker; None where it gives none.
      reference: which of the names the others are compared with, drawn as a line.
    """
    figure = style.figure(0.9 + 0.42 * len(names))
    axes = figure.subplots()
    row = np.arange(len(names))
    percent = 100 * np.array(mean)
    bars = [
        np.array((m, m)) if i is None else 100 * np.array(i)
        for m, i in zip(percent, interval, strict=True)
    ]
    ours, theirs, *_ = style.COLORS
    axes.hlines(row, *np.transpose(bars), color=ours, linewidth=2, alpha=0.6)
    label = "95 % interval" if any(interval) else "mean"
    axes.plot(percent, row, "o", color=ours, label=label)
    if published is not None and any(p is not None for p in published):
        given = 100 * np.array([np.nan if p is None else p for p in published])
        axes.plot(given, row, "D", color=theirs, fillstyle="none", label="the paper")
    if reference is not None:
        place = percent[list(names).index(reference)]
        line: dict[str, Any] = {
            "color": style.MUTED,
            "linestyle": "--",
            "linewidth": 1,
            "zorder": 0,
        }
        axes.axvline(place, **line, label="reference")
    over_grid = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1}
    text: dict[str, Any] = {
        "fontsize": style.SIZE,
        "color": style.INK,
        "bbox": over_grid,
    }
    text |= {"va": "center", "transform": axes.get_yaxis_transform()}
    for at, name, value in zip(row - _ABOVE, names, percent, strict=True):
        axes.text(0, at, name, **text)
        axes.text(1, at, f"{value:.1f}", ha="right", **text)
    axes.set(ylim=(len(names) - 0.6, -0.7), yticks=[], xlabel="UA, %")
    style.dress(axes, "x")
    style.legend(figure, loc="outside lower center", ncols=3)
    return figure
