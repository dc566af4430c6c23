"""Where NetVLAD's clusters go in time, by emotion."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def clusters(assignment: np.ndarray, emotions: Sequence[str]) -> Figure:
    """One panel an emotion: the shares of the clusters, stacked, over the tenths of an
    utterance's time. The number of a cluster is in its area, where there is room.

    Args:
      assignment: [E, K, BINS] mean share of each cluster, summing to 1 over K; NaN for
        an emotion that was not tested.
      emotions: [E].
    """
    across = 2
    down = -(-len(emotions) // across)
    figure = style.figure(0.5 + 1.5 * down)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for panel, emotion, shares in zip(panels.flat, emotions, assignment, strict=False):
        panel.set_title(emotion)
        if not np.isnan(shares).any():
            _stack(panel, 100 * np.asarray(shares))
    for panel in panels.flat:
        panel.set(
            xlim=(0, 100), ylim=(0, 100), xticks=[0, 50, 100], yticks=[0, 50, 100]
        )
        style.dress(panel)
    for panel in panels.flat[len(emotions) :]:
        panel.set_axis_off()
    figure.supxlabel("time, % of the utterance", fontsize=style.SIZE, color=style.MUTED)
    figure.supylabel("share of frames, %", fontsize=style.SIZE, color=style.MUTED)
    return figure


def _stack(axes, shares):
    """Shares [K, BINS] on top of each other, the first at the bottom."""
    tops = np.cumsum(shares, axis=0)
    edges = np.linspace(0, 100, shares.shape[1] + 1)
    shades = product((0.8, 0.5, 0.25), style.COLORS)
    for cluster, (share, top, (shade, color)) in enumerate(
        zip(shares, tops, shades, strict=False), 1
    ):
        area = {"baseline": top - share, "color": color, "alpha": shade}
        axes.stairs(top, edges, fill=True, linewidth=0, **area)
        axes.stairs(top, edges, baseline=None, color=style.PAPER, linewidth=1)
        widest = share.argmax()
        if share[widest] > 12:
            axes.text(
                edges[widest : widest + 2].mean(),
                top[widest] - share[widest] / 2,
                str(cluster),
                ha="center",
                va="center",
                fontsize=style.SMALL,
                color=style.INK,
            )
