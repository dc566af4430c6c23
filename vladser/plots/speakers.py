"""Which speakers are hard."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vladser.plots import style


def speakers(speakers: Sequence[str], names: Sequence[str], ua: np.ndarray) -> Figure:
    """One row a speaker, the hardest on top: the UA of all conditions as a range, with
    its middle half and its median, and that of the best condition as a marker.

    Args:
      speakers: [n]; of more than 30 the 30 hardest are drawn.
      names: [c] of the conditions.
      ua: [c, n] shares; NaN where a condition has none.
    """
    return style.figure(3)
