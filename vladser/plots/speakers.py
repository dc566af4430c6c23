"""Which speakers are hard."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style

_MOST = 30


def draw(
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
