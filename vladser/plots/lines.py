"""UA by the strength of smoothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def draw(
    alpha: Sequence[float],
    series: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    none: tuple[float, float, float],
) -> Figure:
    """Draws one line with a band for each way to smooth, and one without smoothing.

    Args:
      alpha: [n] ascending.
      series: by the name of the smoothing its (mean, low, high), [n] shares each.
      none: (mean, low, high) without smoothing. NaN or None is not drawn.
    """
    figure = style.figure(3.2)
    axes = figure.subplots()
    for number, (name, values) in enumerate(series.items()):
        mean, *edges = 100 * np.array(values, float)
        look, marker = style.line(number), style.MARKERS[number]
        axes.plot(alpha, mean, marker=marker, label=name, **look)
        axes.fill_between(alpha, *edges, alpha=0.1, linewidth=0, color=look["color"])
        for edge in edges:
            axes.plot(alpha, edge, linewidth=0.7, alpha=0.7, **look)
    # The band is its edges: a third shade over two others would be unreadable.
    for n, share in enumerate(100 * np.array(none, float)):
        label, width = ("_", 0.7) if n else ("none", 1.5)
        axes.axhline(share, label=label, color=style.MUTED, linestyle=":", lw=width)
    axes.set(xlabel="alpha, the weight of the prior in the labels", ylabel="UA, %")
    axes.set_xticks(alpha, [f"{a:g}" for a in alpha])
    style.dress(axes, "y")
    style.legend(figure, loc="outside upper center", ncols=3)
    return figure
