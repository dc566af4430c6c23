"""What is said of clusters once they are computed: plain numpy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def adjusted_rand(classes: np.ndarray, clusters: np.ndarray) -> float:
    """Returns how well clusters match classes (Hubert and Arabie 1985, eq. 5): 1 if
    each class is one cluster, 0 on average by chance.

    Args:
      classes, clusters: [N] int codes from 0.

    Returns:
      NaN where it says nothing: all of one class, or nothing shares a class or cluster.
    """
    if len(np.unique(classes)) < 2:
        return np.nan
    together = np.zeros((classes.max() + 1, clusters.max() + 1))
    np.add.at(together, (classes, clusters), 1)
    both = _pairs(together)
    of_classes, of_clusters = _pairs(together.sum(axis=1)), _pairs(together.sum(axis=0))
    chance = of_classes * of_clusters / _pairs(np.array(len(classes)))
    most = (of_classes + of_clusters) / 2
    return float((both - chance) / (most - chance)) if most > chance else np.nan


def profile(records: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Averages records of clusters.jsonl over folds, weighted by their utterances.

    Args:
      records: of the folds of one condition and ONE seed, whose trainings start from
        the same clusters; between seeds the numbers of clusters mean nothing.

    Returns:
      [E, K, BINS] mean share of each cluster; NaN for an emotion that no fold tested.
    """
    utterances = np.array([record["utterances"] for record in records], float)
    assignments = [record["assignment"] for record in records]
    there = (a for of in assignments for a in of if a is not None)
    zeros = np.zeros(np.shape(next(there)))
    shares = np.array([[zeros if a is None else a for a in of] for of in assignments])
    total = utterances.sum(axis=0)
    mean = np.einsum("fe,fekn->ekn", utterances, shares)
    return mean / np.where(total > 0, total, np.nan)[:, None, None]


def _pairs(count: np.ndarray) -> float:
    """Returns how many pairs there are within groups of these sizes."""
    return float((count * (count - 1) / 2).sum())
