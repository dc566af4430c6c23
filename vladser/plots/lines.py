"""UAs, losses and probabilities by condition, epoch and time."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vladser.plots import style


@style.look()
def by_condition(
    names: Sequence[str],
    mean: Sequence[float],
    interval: Sequence[tuple[float, float] | None],
    published: Sequence[float | None],
    reference: str,
) -> Figure:
    """Draws one row a condition: its UA as a point, its interval as a bar.

    Args:
      names: [n].
      mean: [n] UA, shares.
      interval: [n] (low, high), or None.
      published: [n] the paper's UA, or None.
      reference: the name that the others are compared with, drawn as a line.
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
    line = partial(axes.axvline, color=style.MUTED, linestyle="--", linewidth=1)
    line(percent[list(names).index(reference)], zorder=0, label="reference")
    over_grid = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1}
    write = partial(axes.text, fontsize=style.SIZE, color=style.INK, va="center")
    write = partial(write, bbox=over_grid, transform=axes.get_yaxis_transform())
    above = row - 0.36  # from the point to its name
    for at, name, value in zip(above, names, percent, strict=True):
        write(0, at, name)
        write(1, at, f"{value:.1f}", ha="right")
    axes.set(ylim=(len(names) - 0.6, -0.7), yticks=[], xlabel="UA, %")
    style.dress(axes, "x")
    style.legend(figure, loc="outside lower center", ncols=3)
    return figure


@style.look()
def by_epoch(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], ylabel: str
) -> Figure:
    """Draws training curves, one line a condition, at most 24; up to 3 with bands.

    Args:
      curves: (mean, low, high), [epochs] each over seeds and folds, by condition.
      ylabel: what it is, such as "training loss".
    """
    figure = style.figure(2.6 + 0.17 * len(curves))
    axes = figure.subplots()
    for number, (name, (mean, low, high)) in enumerate(curves.items()):
        epoch, look = np.arange(1, len(mean) + 1), style.line(number)
        axes.plot(epoch, mean, linewidth=1.5, label=name, **look)
        if len(curves) <= 3:
            color = look["color"]
            axes.fill_between(epoch, low, high, alpha=0.15, linewidth=0, color=color)
    axes.set(xlabel="epoch", ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.dress(axes, "y")
    style.legend(figure, loc="outside lower left")
    return figure


@style.look()
def by_time(
    start: Sequence[float],
    end: Sequence[float],
    probabilities: np.ndarray,
    emotions: Sequence[str],
    title: str,
) -> Figure:
    """Draws the probabilities in windows of a recording, and which is the highest.

    Args:
      start, end: [N] of the windows, in seconds, ascending.
      probabilities: [N, classes]; NaN where a window could not be classified.
      emotions: the classes.
      title: such as the name of the file.
    """
    unit, seconds = ("s", 1) if end[-1] < 120 else ("min", 60)
    begins, ends = np.asarray(start) / seconds, np.asarray(end) / seconds
    probabilities = 100 * np.asarray(probabilities)
    lanes = len(emotions)
    figure = style.figure(2.5 + 0.16 * lanes, width=2 * style.WIDTH)
    above, below = figure.subplots(2, sharex=True, height_ratios=[2.2, 0.22 * lanes])
    middle = (begins + ends) / 2
    # A window stands for the time that is nearest to its middle.
    edge = np.concatenate([begins[:1], (middle[1:] + middle[:-1]) / 2, ends[-1:]])
    heard = ~np.isnan(probabilities[:, 0])
    best = np.where(heard, np.nan_to_num(probabilities).argmax(axis=1), -1)
    dots = {"marker": "o", "markersize": 3} if len(begins) <= 60 else {}
    for number, (emotion, values) in enumerate(
        zip(emotions, probabilities.T, strict=True)
    ):
        look = style.line(number)
        above.plot(middle, values, label=emotion, linewidth=1.3, **look, **dots)
        won = best == number
        spans = [*zip(edge[:-1][won], np.diff(edge)[won], strict=True)]
        below.broken_barh(spans, (number - 0.4, 0.8), color=look["color"], linewidth=0)
    above.set(ylim=(0, 100), ylabel="probability, %", title=title)
    below.set(ylim=(lanes - 0.4, -0.6), xlim=(edge[0], edge[-1]))
    below.set_xlabel(f"time, {unit}")
    below.set_yticks(range(lanes), emotions)
    for axes in above, below:
        style.dress(axes, "y")
    style.legend(figure, loc="outside lower center", ncols=min(lanes, 6))
    return figure
