"""What is confused with what."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vladser import metrics
from vladser.plots import style


def draw(matrix: np.ndarray, emotions: Sequence[str], title: str) -> Figure:
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
    axes.set_xticks(range(classes), emotions, rotation=30 if classes > 5 else 0)
    axes.set_yticks(range(classes), emotions)
    style.dress(axes)
    return figure
