"""Lengths like a corpus's, where all that is known of them is in its papers."""

from statistics import NormalDist

import numpy as np


def lognormal(
    count: int, median: int, longest: int, total: int, seed: int = 0
) -> np.ndarray:
    """Lengths of a lognormal distribution that is clipped at the longest.

    They are its quantiles at (i + 1/2) / count, whose spread is found by bisection, in
    random order: that meets the three figures, where a sample meets them by luck.

    Args:
      count: how many lengths.
      median, longest, total: in frames.
      seed: of the order.

    Returns:
      [count] int64, at least 1; rounding leaves their sum within a thousandth of
      `total`.
    """
    normal = NormalDist()
    z = np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])

    def lengths(sigma):
        return np.minimum(median * np.exp(sigma * z), longest)

    low, high = 0.0, 5.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if lengths(middle).sum() < total else (low, middle)
    found = np.maximum(np.rint(lengths(low)), 1).astype(np.int64)
    found[-1] = longest
    return np.random.default_rng(seed).permutation(found)
