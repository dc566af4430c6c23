"""Training curves."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], ylabel: str
) -> Figure:
    """A quantity by epoch, one line a condition: best a family's conditions at a time,
    at most 18.

    Args:
      curves: by the condition's name its (mean, low, high), [epochs] each, over seeds
        and folds; the band is drawn where there are at most three conditions.
      ylabel: what it is, such as "training loss".
    """
    return style.figure(3)
