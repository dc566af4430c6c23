"""From values of pieces to values of the utterances that they were cut from."""

import numpy as np


def mean(values: np.ndarray, parent: np.ndarray, utterances: int) -> np.ndarray:
    """Averages values [M, K] over the pieces of each utterance, whose number `parent`
    [M] has; returns [utterances, K] float64."""
    total = np.zeros((utterances, values.shape[1]))
    np.add.at(total, parent, values)
    return total / np.bincount(parent, minlength=utterances)[:, None]


def extremes(values: np.ndarray, parent: np.ndarray, utterances: int) -> np.ndarray:
    """Returns the largest and the smallest values, [2, utterances, K], as `mean`."""
    most = np.full((utterances, values.shape[1]), -np.inf)
    least = -most
    np.maximum.at(most, parent, values)
    np.minimum.at(least, parent, values)
    return np.stack([most, least])
