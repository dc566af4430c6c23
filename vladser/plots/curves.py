"""Training curves."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vladser.plots import style


def draw(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], ylabel: str
) -> Figure:
    """Draws a quantity by epoch, one line a condition, at most 24.

    Args:
      curves: by the condition's name its (mean, low, high), [epochs] each, over seeds
        and folds; the band is drawn where there are at most three conditions.
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
