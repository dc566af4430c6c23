"""Confusion matrices, unweighted accuracy (UA) and weighted accuracy (WA)."""

import numpy as np


def confusion(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts, [classes, classes]: row = truth, column = prediction."""
    pairs = np.ravel_multi_index((label, predicted), (classes, classes))
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def recalls(confusion: np.ndarray) -> np.ndarray:
    """The recall of each class, [classes]; NaN for a class without an utterance."""
    count = confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.diagonal(confusion) / count


def ua(confusion: np.ndarray) -> float:
    """Unweighted accuracy: the mean recall over the classes that have an utterance."""
    return float(np.nanmean(recalls(confusion)))


def wa(confusion: np.ndarray) -> float:
    """Weighted accuracy: the share of utterances that are predicted right."""
    return float(np.trace(confusion) / confusion.sum())
