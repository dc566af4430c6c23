"""An extreme learning machine on statistics of the pieces."""

import numpy as np

from vladser import merging
from vladser.contracts import Readout
from vladser.options import Count, NonNegative, Share

_MOST = 10_000  # units: beyond it, the units of some thousand utterances fill a memory


def elm(
    *, hidden: Count = 120, ridge: NonNegative = 0.0, threshold: Share = 0.2
) -> Readout:
    """Classifies by least squares on random sigmoid units.

    Han, Yu, Tashev 2014, "Speech Emotion Recognition Using Deep Neural Network and
    Extreme Learning Machine": of the probability of each class over the pieces of an
    utterance it sees maximum, minimum and mean, and the share of pieces where it is
    above a threshold, equations (4) to (7); weights as in section 3.

    Args:
      hidden: number of units, whose weights are drawn and stay.
      ridge: penalty on the squares of the output weights.
      threshold: of the probabilities.
    """
    if hidden > _MOST:
        raise ValueError(f"hidden: expected at most {_MOST:,}, got {hidden:,}")

    def describe(values, parent, utterances):
        given = parent, utterances
        most, least = merging.extremes(values, *given)
        above = merging.mean(values > threshold, *given)
        return np.hstack([most, least, merging.mean(values, *given), above])

    def fit(seed, vectors, labels, classes):
        draw = np.random.default_rng((seed, 1))
        inner = draw.uniform(-1, 1, (vectors.shape[1], hidden))
        units, targets = _units(inner, vectors), np.eye(classes)[labels]
        # Not by the normal equations: the units are nearly dependent, and squared
        # condition numbers reach 1e14.
        left, sizes, right = np.linalg.svd(units, full_matrices=False)
        kept = sizes > max(units.shape) * np.finfo(float).eps * sizes[0]
        weights = np.where(kept, sizes, 0) / (sizes**2 + ridge + ~kept)
        outer = (right.T * weights) @ (left.T @ targets)
        return {"inner": inner, "outer": outer}

    def scores(params, vectors):
        return _units(params["inner"], vectors) @ params["outer"]

    return Readout(describe, fit, scores)


def _units(inner: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-vectors @ inner))
