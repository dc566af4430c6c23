"""Conditions beside each other, with their intervals."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vladser.plots import style


def intervals(
    names: Sequence[str],
    mean: Sequence[float],
    interval: Sequence[tuple[float, float] | None],
    published: Sequence[float | None] | None = None,
    reference: str | None = None,
) -> Figure:
    """One row a condition: its UA as a point, its interval as a bar.

    Args:
      names: [n].
      mean: [n] UA, shares.
      interval: [n] (low, high); None where there is none.
      published: [n] the paper's UA, a second marker; None where it gives none.
      reference: which of the names the others are compared with, drawn as a line.
    """
    return style.figure(3)
