"""Where NetVLAD's clusters go in time, by emotion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def clusters(assignment: np.ndarray, emotions: Sequence[str]) -> Figure:
    """One panel an emotion: the shares of the clusters, stacked, over the tenths of an
    utterance's time.

    Args:
      assignment: [E, K, BINS] mean share of each cluster, summing to 1 over K; NaN for
        an emotion that was not tested.
      emotions: [E].
    """
    return style.figure(3)
