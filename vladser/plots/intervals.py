"""Conditions beside each other, with their intervals."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style

_ABOVE = 0.36  # of a row, from the point to its name


def draw(
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
