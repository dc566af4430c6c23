"""Emotions over the time of a recording."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from vladser.plots import style

# Seconds between ticks.
_STEPS: tuple[float, ...] = 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60
_STEPS += 120, 300, 600, 900, 1800, 3600


def draw(
    start: Sequence[float],
    end: Sequence[float],
    probabilities: np.ndarray,
    emotions: Sequence[str],
    title: str,
) -> Figure:
    """Draws the probability of each emotion in windows of a recording and, below, which
    is the highest, in a lane each.

    Args:
      start, end: [N] of the windows, in seconds, ascending.
      probabilities: [N, classes]; NaN where a window could not be classified.
      emotions: the classes.
      title: such as the name of the file.
    """
    begins, ends = np.asarray(start), np.asarray(end)
    probabilities = 100 * np.asarray(probabilities)
    figure = style.figure(2.5 + 0.16 * len(emotions), width=2 * style.WIDTH)
    above, below = figure.subplots(
        2, sharex=True, height_ratios=[2.2, 0.22 * len(emotions)]
    )
    middle = (begins + ends) / 2
    # A window stands for the time that is nearest to its middle.
    edge = np.concatenate([begins[:1], (middle[1:] + middle[:-1]) / 2, ends[-1:]])
    heard = ~np.isnan(probabilities[:, 0])
    best = np.where(heard, np.nan_to_num(probabilities).argmax(axis=1), -1)
    for number, emotion in enumerate(emotions):
        look = style.line(number)
        dots = {"marker": "o", "markersize": 3} if len(begins) <= 60 else {}
        above.plot(
            middle, probabilities[:, number], label=emotion, lw=1.3, **look, **dots
        )
        won = best == number
        spans = [*zip(edge[:-1][won], np.diff(edge)[won], strict=True)]
        below.broken_barh(spans, (number - 0.4, 0.8), color=look["color"], linewidth=0)
    above.set(ylim=(0, 100), ylabel="probability, %", title=title)
    above.title.set_parse_math(False)  # a file's name may have dollars
    lanes = range(len(emotions))
    below.set(ylim=(len(emotions) - 0.4, -0.6), xlim=(edge[0], edge[-1]))
    below.set_yticks(lanes, emotions)
    _tick(below, edge[-1] - edge[0], edge[-1])
    style.dress(above, "y")
    style.dress(below, "y")
    style.legend(figure, loc="outside lower center", ncols=min(len(emotions), 6))
    return figure


def _tick(axes: Axes, seconds: float, last: float) -> None:
    """Sets ticks at round times, in seconds or, from a minute on, as a clock does."""
    step = next((s for s in _STEPS if seconds / s <= 12), _STEPS[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step))
    if last < 60:
        axes.set_xlabel("time, s")
        return
    hours = last >= 3600
    axes.set_xlabel("time, h:mm:ss" if hours else "time, m:ss")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: _clock(round(t), hours)))


def _clock(seconds: int, hours: bool) -> str:
    minutes, seconds = divmod(seconds, 60)
    if not hours:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
