"""Label smoothing, eq. (2): soft targets that mix the label with a class prior."""

import chex
import jax
import numpy as np

from vladser.errors import InputError
from vladser.types import Array

KINDS = ("none", "uniform", "unigram")


def prior(kind: str, labels: np.ndarray, classes: int) -> np.ndarray:
    """u(k) of eq. (2), [classes] float32.

    Args:
      kind: "uniform" (1 / classes) or "unigram" (the share of each class among the
        training labels); "none", which is alpha = 0, takes the uniform prior.
      labels: [N] int, of the training set alone.
    """
    if kind not in KINDS:
        raise InputError(f"unknown smoothing {kind!r}: one of {', '.join(KINDS)}")
    if kind == "unigram":
        counts = np.bincount(labels, minlength=classes)
        return (counts / counts.sum()).astype(np.float32)
    return np.full(classes, 1 / classes, np.float32)


def soften(label: Array, alpha: Array, prior: Array) -> Array:
    """q'(k) = (1 - alpha) delta(k, y) + alpha u(k), eq. (2).

    Args:
      label: [] int, y.
      alpha: [] in [0, 1].
      prior: [classes], u.

    Returns:
      [classes], sums to 1.
    """
    chex.assert_rank([label, alpha, prior], [0, 0, 1])
    return (1 - alpha) * jax.nn.one_hot(label, prior.shape[-1]) + alpha * prior
