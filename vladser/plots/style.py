"""What all figures share: their width, their type and the colours.

The colours are the hues of Okabe and Ito (2008), "Color Universal Design", which
readers of any colour vision tell apart, the last two darkened until all have a contrast
of 3 to white paper. Colour never stands alone: what a figure tells apart differs by
marker, line style, place or label too.
"""

import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

PAPER = "#ffffff"
INK = "#1c2127"
MUTED = "#5c6670"  # second to what is said: axes, remarks
RULE = "#d5dae0"  # grid
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c48700", "#3a9ad1")
DASHES = ("-", "--", ":", "-.")

_OWN = "DejaVu Sans"  # comes with matplotlib

WIDTH = 3.9  # inches; such a figure is readable on a phone
SIZE = 9.5  # points
SMALL = 8.5
SHADE = 0.5  # opacity of the darkest areas: INK stays readable on them


@contextmanager
def look() -> Iterator[None]:
    """Makes figures look alike, whatever matplotlibrc says; dollars are dollars."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.parse_math"] = False
        # What reads SVG has more fonts; `spell_out` deals with the rest.
        warnings.filterwarnings("ignore", "Glyph |Matplotlib currently does not")
        yield


def spell_out(figure: Figure) -> None:
    """Takes letters that matplotlib's own font lacks from other installed fonts, and
    writes those that none has by their code, such as \\u6124."""
    labels = figure.findobj(Text)
    lacking = {*"".join(label.get_text() for label in labels)} - _letters()[_OWN]
    fonts = sorted(name for name, has in _letters().items() if lacking & has)
    unknown = lacking.difference({"\n"}, *(_letters()[name] for name in fonts))
    # Of a letter for private use each font makes something else.
    unknown |= {one for one in lacking if unicodedata.category(one) == "Co"}
    codes = {ord(one): one.encode("unicode_escape").decode() for one in unknown}
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        ticks = [label.get_text() for label in axis.get_ticklabels()]
        if lacking & {*"".join(ticks)}:  # which would come back when it is drawn
            axis.set_ticks(axis.get_ticklocs(), [t.translate(codes) for t in ticks])
    for label in labels:
        label.set_fontfamily([_OWN, *fonts])
        label.set_text(label.get_text().translate(codes))


@cache
def _letters() -> dict[str, frozenset[str]]:
    """Returns the letters of each installed font, by its name."""
    paths = {
        font.name: font.fname
        for font in font_manager.fontManager.ttflist
        if not font.name.startswith("Last Resort")  # which has a box for any letter
    }
    paths[_OWN] = font_manager.findfont(_OWN)
    fonts = {name: font_manager.get_font(path) for name, path in paths.items()}
    return {
        name: frozenset(map(chr, font.get_charmap())) for name, font in fonts.items()
    }


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
