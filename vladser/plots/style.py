"""What all figures share: their width, their type and the colours.

The colours are those of Okabe and Ito (2008), "Color Universal Design": readers with
any colour vision tell them apart, in this order best. Colour never stands alone: what a
figure tells apart differs by marker, line style, place or label too.
"""

from collections.abc import Sequence
from itertools import cycle, islice

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

PAPER = "#ffffff"
INK = "#1c2127"
MUTED = "#5c6670"  # second to what is said: axes, remarks
RULE = "#d5dae0"  # grid
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", ":")

WIDTH = 3.9  # inches; such a figure is readable on a phone
SIZE = 9.5  # points
SMALL = 8.5
SHADE = 0.55  # opacity of a color's darkest area: INK on it stays readable


def figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, its sides in inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=180)


def dress(axes: Axes, grid: str | None = None) -> None:
    """The project's look, for axes of which everything is drawn.

    Args:
      grid: "x", "y", "both" or None: which ticks get a line.
    """
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=MUTED, labelsize=SMALL)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=MUTED, fontsize=SIZE)
    axes.title.set(color=INK, fontsize=SIZE)
    if grid:
        axes.grid(axis=grid, color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)


def legend(target: Figure | Axes, **options) -> Legend:
    """A legend without a frame."""
    return target.legend(
        frameon=False, fontsize=SMALL, labelcolor=INK, handlelength=2.2, **options
    )


def colors(count: int) -> Sequence[str]:
    """As many colors as there are things to tell apart, from the start again after the
    sixth."""
    return tuple(islice(cycle(COLORS), count))
