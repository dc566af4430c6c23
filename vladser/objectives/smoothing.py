"""Label smoothing: soft targets that mix the label with a class prior.

Huang, Tao, Liu, Lian 2020, "Learning utterance-level representations with label
smoothing for speech emotion recognition", equation (2).
"""

import chex
import jax
import numpy as np

from vladser.errors import InputError
from vladser.types import Array

KINDS = ("none", "uniform", "unigram")


def check(kind: str) -> None:
    """Raises an InputError unless there is such a smoothing."""
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise InputError(f"smoothing: expected one of {known}, got {kind!r:.60}")


def prior(kind: str, labels: np.ndarray, classes: int) -> np.ndarray:
    """Computes u(k) of equation (2).

    Args:
      kind: "uniform" (1 / classes) or "unigram" (the share of each class among the
        training labels); "none", which is alpha = 0, has the uniform prior.
      labels: [N] int, of the training set alone.
      classes: how many.

    Returns:
      [classes] float32.

    Raises:
      InputError: an unknown kind.
    """
    check(kind)
    if kind == "unigram":
        counts = np.bincount(labels, minlength=classes)
        return (counts / counts.sum()).astype(np.float32)
    return np.full(classes, 1 / classes, np.float32)


def soften(label: Array, alpha: Array, prior: Array) -> Array:
    """Computes q'(k) = (1 - alpha) delta(k, y) + alpha u(k), equation (2).

    Args:
      label: [] int, y.
      alpha: [] in [0, 1].
      prior: [classes], u.

    Returns:
      [classes], sums to 1.
    """
    chex.assert_rank([label, alpha, prior], [0, 0, 1])
    return (1 - alpha) * jax.nn.one_hot(label, prior.shape[-1]) + alpha * prior
