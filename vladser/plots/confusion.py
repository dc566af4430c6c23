"""What is confused with what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vladser.plots import style


def draw(matrix: np.ndarray, emotions: Sequence[str], title: str) -> Figure:
    """A confusion matrix, the share of each row as shade and number.

    Args:
      matrix: [classes, classes] counts; row = truth.
      emotions: [classes].
    """
    matrix = np.asarray(matrix, float)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    classes = len(emotions)
    figure = style.figure(1 + 0.55 * classes, width=max(style.WIDTH, 0.55 * classes))
    axes = figure.subplots()
    digits = 1 if classes <= 5 else 0
    for (row, column), value in np.ndenumerate(share):
        corner = column - 0.5, row - 0.5
        shade = style.SHADE * value
        patch = {"color": style.COLORS[0], "alpha": shade, "linewidth": 0}
        axes.add_patch(Rectangle(corner, 1, 1, **patch))
        text: dict[str, Any] = {"ha": "center", "color": style.INK}
        axes.text(
            column, row, f"{value:.{digits}%}", va="bottom", fontsize=style.SIZE, **text
        )
        count = f"({matrix[row, column]:.1f})".replace(".0)", ")")
        axes.text(column, row, count, va="top", fontsize=style.SMALL, **text)
    axes.set(
        xlim=(-0.5, classes - 0.5),
        ylim=(classes - 0.5, -0.5),
        xlabel="predicted",
        ylabel="spoken",
        title=title,
    )
    axes.set_xticks(range(classes), emotions, rotation=30 if classes > 5 else 0)
    axes.set_yticks(range(classes), emotions)
    style.dress(axes)
    return figure
