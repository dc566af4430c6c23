"""What all figures share: their width, their type and the colours.

The colours are the hues of Okabe and Ito (2008), "Color Universal Design", which
readers of any colour vision tell apart, the last two darkened until all have a contrast
of 3 to white paper. Colour never stands alone: what a figure tells apart differs by
marker, line style, place or label too.
"""

from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAPER = "#ffffff"
INK = "#1c2127"
MUTED = "#5c6670"  # second to what is said: axes, remarks
RULE = "#d5dae0"  # grid
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c48700", "#3a9ad1")
DASHES = ("-", "--", ":", "-.")

WIDTH = 3.9  # inches; such a figure is readable on a phone
SIZE = 9.5  # points
SMALL = 8.5
SHADE = 0.5  # opacity of the darkest areas: INK stays readable on them


def figure(height: float, width: float = WIDTH) -> Figure:
    """Returns an empty figure, its sides in inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=180)


def dress(axes: Axes, grid: Literal["x", "y"] | None = None) -> None:
    """Gives finished axes the project's look; the ticks of `grid` get a line."""
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=MUTED, labelsize=SMALL)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=MUTED, fontsize=SIZE)
    axes.title.set(color=INK, fontsize=SIZE)
    if grid:
        axes.grid(axis=grid, color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)


def line(number: int) -> dict[str, Any]:
    """Returns color and style of one of several lines, counted from 0: 24 differ."""
    dash = number + number // 12  # after 12 the pairs would come again
    return {"color": COLORS[number % 6], "linestyle": DASHES[dash % 4]}


def legend(figure: Figure, **options: Any) -> None:
    """Adds a legend without a frame; `options` are those of matplotlib."""
    look: dict[str, Any] = {"frameon": False, "fontsize": SMALL, "labelcolor": INK}
    figure.legend(**look, handlelength=2.2, columnspacing=1.2, **options)
