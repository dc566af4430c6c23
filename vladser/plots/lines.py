"""UA by the strength of smoothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def lines(
    alpha: Sequence[float],
    series: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    none: tuple[float, float, float],
) -> Figure:
    """One line with a band for each way to smooth, and one without smoothing.

    Args:
      alpha: [n] ascending.
      series: by the name of the smoothing its (mean, low, high), [n] shares each; at
        most two.
      none: (mean, low, high) without smoothing.
    """
    figure = style.figure(3.2)
    axes = figure.subplots()
    ways = [*style.COLORS[:2]], style.MARKERS[:2], ("-", "--")
    for (name, values), color, marker, dash in zip(series.items(), *ways, strict=False):
        mean, low, high = 100 * np.array(values)
        axes.plot(alpha, mean, color=color, marker=marker, linestyle=dash, label=name)
        _band(axes, alpha, low, high, color, dash)
    mean, low, high = (np.full(len(alpha), 100 * value) for value in none)
    axes.plot(alpha, mean, color=style.MUTED, linestyle=":", label="none")
    _band(axes, alpha, low, high, style.MUTED, ":")
    axes.set(xlabel="alpha, the weight of the prior in the labels", ylabel="UA, %")
    axes.set_xticks(alpha, [f"{a:g}" for a in alpha])
    style.dress(axes, "y")
    style.legend(figure, loc="outside upper center", ncols=3)
    return figure


def _band(axes, alpha, low, high, color, dash):
    """With edges: where bands overlap, shades alone would not tell them apart."""
    axes.fill_between(alpha, low, high, color=color, alpha=0.1, linewidth=0)
    for edge in (low, high):
        axes.plot(alpha, edge, color=color, linestyle=dash, linewidth=0.7, alpha=0.7)
