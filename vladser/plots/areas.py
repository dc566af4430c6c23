"""Shares as areas: confusion matrices, and NetVLAD's clusters in time."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vladser import metrics
from vladser.plots import style

_ROOM = 12  # percent that a cluster's number takes
_CENTERED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": style.SMALL}


@style.look()
def confusion(matrix: np.ndarray, emotions: Sequence[str], title: str) -> Figure:
    """Draws a confusion matrix, the share of each row as shade and number.

    Args:
      matrix: [classes, classes] counts; row = truth.
      emotions: [classes].
      title: above the matrix, or "".
    """
    classes, counts = len(emotions), np.asarray(matrix, float)
    figure = style.figure(1 + 0.55 * classes, width=max(style.WIDTH, 0.55 * classes))
    axes = figure.subplots()
    write = partial(axes.text, ha="center", color=style.INK)
    digits = 1 if classes <= 5 else 0
    for (row, column), share in np.ndenumerate(metrics.row_shares(counts)):
        square = Rectangle((column - 0.5, row - 0.5), 1, 1, linewidth=0)
        square.set(color=style.COLORS[0], alpha=style.SHADE * share)
        axes.add_patch(square)
        write(column, row, f"{share:.{digits}%}", va="bottom", fontsize=style.SIZE)
        count = f"({counts[row, column]:.1f})".replace(".0)", ")")
        write(column, row, count, va="top", fontsize=style.SMALL)
    axes.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5), title=title)
    axes.set(xlabel="predicted", ylabel="spoken")
    axes.set_xticks(range(classes), emotions)
    if classes > 5:  # slanted, to end under their columns
        slant: dict[str, Any] = {"rotation": 30, "ha": "right"}
        for label in axes.get_xticklabels():
            label.set(**slant, rotation_mode="anchor")
    axes.set_yticks(range(classes), emotions)
    style.dress(axes)
    return figure


@style.look()
def clusters(assignment: np.ndarray, emotions: Sequence[str]) -> Figure:
    """Draws one panel an emotion: the shares of the numbered clusters, stacked, over
    the tenths of an utterance's time.

    Args:
      assignment: [E, K, BINS] shares of the clusters; NaN for an untested emotion.
      emotions: [E].
    """
    down = -(-len(emotions) // 2)
    figure = style.figure(0.5 + 1.5 * down)
    panels = figure.subplots(down, 2, sharex=True, sharey=True, squeeze=False)
    for panel, emotion, shares in zip(panels.flat, emotions, assignment, strict=False):
        panel.set_title(emotion)
        if np.isnan(shares).any():
            panel.text(50, 50, "not tested", color=style.MUTED, **_CENTERED)
        else:
            _stack(panel, 100 * np.asarray(shares))
        panel.set(xlim=(0, 100), ylim=(0, 100), xticks=[0, 50, 100])
        panel.set_yticks([0, 50, 100])
        style.dress(panel)
    for panel in panels.flat[len(emotions) :]:
        panel.set_axis_off()
    figure.supxlabel("time, % of the utterance", fontsize=style.SIZE, color=style.MUTED)
    figure.supylabel("share of frames, %", fontsize=style.SIZE, color=style.MUTED)
    return figure


def _stack(axes: Axes, shares: np.ndarray) -> None:
    """Draws shares [K, BINS] on top of each other, the first at the bottom."""
    tops = np.cumsum(shares, axis=0)
    edges = np.linspace(0, 100, shares.shape[1] + 1)
    centers = (edges[:-1] + edges[1:]) / 2
    off_center = abs(centers - 50) / 100
    shades = product(style.SHADE * np.array([1, 0.6, 0.3]), style.COLORS)
    for number, (share, top, (shade, color)) in enumerate(
        zip(shares, tops, shades, strict=False), 1
    ):
        area = axes.stairs(top, edges, baseline=top - share, fill=True, linewidth=1)
        area.set(facecolor=(color, shade), edgecolor=style.PAPER)
        # Where it has room, in the middle if it can.
        at = (np.minimum(share, _ROOM) - off_center).argmax()
        if share[at] >= _ROOM:
            middle = top[at] - share[at] / 2
            axes.text(centers[at], middle, f"{number}", color=style.INK, **_CENTERED)
