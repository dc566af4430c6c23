"""Metrics of a confusion matrix. A metric is one entry of `METRICS`: tables, reports
and model cards show each of them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


def confusion(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts utterances by their label and the predicted class, both [N] int.

    Returns:
      [classes, classes] counts; row = truth, column = prediction.
    """
    pairs = np.ravel_multi_index((label, predicted), (classes, classes))
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Returns the recall of each class, [classes]; NaN for one without utterances."""
    with np.errstate(invalid="ignore"):
        return np.diagonal(confusion) / confusion.sum(axis=1)


def row_shares(confusion: Any) -> np.ndarray:
    """Returns how often each class is taken for which, [classes, classes], as shares of
    its utterances; zeros for a class without utterances."""
    counts = np.asarray(confusion, float)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(float).tiny)


def ua(confusion: np.ndarray) -> float:
    """Returns the mean of the recalls of the classes that have an utterance."""
    return float(np.nanmean(recalls(confusion)))


def wa(confusion: np.ndarray) -> float:
    """Returns the share of the utterances whose class is predicted."""
    return float(np.trace(confusion) / confusion.sum())


def macro_f1(confusion: np.ndarray) -> float:
    """Returns the mean of the classes' F1 scores, 2 TP / (2 TP + FP + FN), over the
    classes that have an utterance, as for UA."""
    spoken, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        f1 = 2 * np.diagonal(confusion) / (spoken + predicted)
    return float(f1[spoken > 0].mean())


class Metric(NamedTuple):
    """How a metric is named, what it is and how it is computed."""

    name: str  # for the head of a column
    title: str  # for a sentence
    definition: str  # in a clause
    compute: Callable[[np.ndarray], float]  # from a confusion matrix to a share


# By the key that files use. UA comes first: it is the one that conditions are compared
# by, with an interval over speakers.
METRICS: Mapping[str, Metric] = {
    "ua": Metric(
        "UA", "unweighted accuracy", "the mean of the recalls of the classes", ua
    ),
    "wa": Metric(
        "WA", "weighted accuracy", "the share of the utterances that are right", wa
    ),
    "macro_f1": Metric(
        "macro F1", "macro F1", "the mean of the F1 scores of the classes", macro_f1
    ),
}


def of_summary(condition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Returns what a condition of summary.json, or the evaluation of a model, holds of
    each metric: `mean_of_folds`, `pooled` and so on. Files that were written before
    there was a table of metrics have UA and WA, and no `metrics`."""
    averages = {
        name: {**condition.get("metrics", {}).get(name, {}), **condition.get(name, {})}
        for name in METRICS
    }
    return {name: of for name, of in averages.items() if of}


def chance(confusion: np.ndarray) -> np.ndarray:
    """Returns the confusion matrix of guessing every class equally often."""
    spoken = np.sum(confusion, axis=1, keepdims=True)
    return np.repeat(spoken / len(spoken), len(spoken), axis=1)


def majority(confusion: np.ndarray) -> np.ndarray:
    """Returns the confusion matrix of always guessing the most frequent class."""
    spoken = np.sum(confusion, axis=1)
    return np.outer(spoken, np.arange(len(spoken)) == spoken.argmax())
