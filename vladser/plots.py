"""Figures, drawn without a display."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def confusion(matrix: np.ndarray, emotions: Sequence[str], title: str) -> Figure:
    """A confusion matrix, the share of each row as shade and number.

    Args:
      matrix: [classes, classes] counts; row = truth.
    """
    matrix = np.asarray(matrix, float)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = 2 + 0.8 * len(emotions)
    figure = Figure(figsize=(size, size), layout="constrained", dpi=150)
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        axes.text(
            column,
            row,
            f"{value:.1%}\n({matrix[row, column]:.4g})",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if value > 0.5 else "black",
        )
    ticks = range(len(emotions))
    axes.set_xticks(ticks, emotions, rotation=30, ha="right")
    axes.set_yticks(ticks, emotions)
    axes.set_xlabel("predicted")
    axes.set_ylabel("spoken")
    axes.set_title(title, fontsize=10)
    axes.spines[:].set_visible(False)
    return figure
