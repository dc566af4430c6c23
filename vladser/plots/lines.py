"""UA by the strength of smoothing."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vladser.plots import style


def lines(
    alpha: Sequence[float],
    series: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    none: tuple[float, float, float],
) -> Figure:
    """One line with a band for each way to smooth, and one without smoothing.

    Args:
      alpha: [n] ascending.
      series: by the name of the smoothing its (mean, low, high), [n] shares each.
      none: (mean, low, high) without smoothing.
    """
    return style.figure(3)
