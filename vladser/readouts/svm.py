"""A support vector machine on the representations."""

import numpy as np

from vladser import merging
from vladser.contracts import Readout
from vladser.errors import InputError
from vladser.options import Positive


def svm(*, cost: Positive = 1.0) -> Readout:
    """Classifies representations of length 1 by support vectors with a Gaussian kernel.

    Huang, Li, Tao, Lian 2018, "Speech Emotion Recognition from Variable-Length Inputs
    with Triplet Loss Function" (after the abstract; the kernel is ours). Classes meet
    in pairs: Chang and Lin 2011, "LIBSVM: A library for support vector machines",
    section 7. Fitting needs scikit-learn, `pip install 'vladser[svm]'`.

    Args:
      cost: of training utterances on the wrong side of the margin, C in the literature.
    """

    def describe(values, parent, utterances):
        vectors = merging.mean(values, parent, utterances)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)

    def fit(seed, vectors, labels, classes):
        spread = vectors.shape[1] * vectors.var()
        gamma = 1 / spread if spread else 1.0
        machine = _scikit_learn().SVC(C=cost, gamma=gamma).fit(vectors, labels)
        # scikit-learn turns the signs of two classes round.
        sign = -1 if len(machine.classes_) == 2 else 1
        present = np.isin(np.arange(classes), machine.classes_)
        count = np.zeros(classes)
        count[present] = machine.n_support_
        return {
            "support": machine.support_vectors_,
            "count": count,
            "dual": sign * machine.dual_coef_,
            "bias": sign * machine.intercept_,
            "gamma": np.array(gamma),
        }

    return Readout(describe, fit, _scores, representations=True)


def _scores(params: dict[str, np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Counts the pairs that each class wins; between equals its margins decide."""
    support, count = params["support"], params["count"].astype(int)
    if count.sum() != len(support):
        raise ValueError(f"expected {len(support)} support vectors, got {count.sum()}")
    lengths = (vectors**2).sum(axis=1)[:, None] + (support**2).sum(axis=1)
    squares = np.maximum(lengths - 2 * vectors @ support.T, 0)
    kernel = np.exp(-params["gamma"] * squares)
    owner, present = np.repeat(np.arange(len(count)), count), np.flatnonzero(count)
    wins, margins = np.zeros((2, len(vectors), len(count)))
    wins[:, count == 0] = -1  # classes that the training set lacks
    pairs = [(i, j) for j in range(len(present)) for i in range(j)]
    for (i, j), bias in zip(sorted(pairs), params["bias"], strict=True):
        one, other = present[i], present[j]
        margin = kernel[:, owner == one] @ params["dual"][j - 1, owner == one] + bias
        margin += kernel[:, owner == other] @ params["dual"][i, owner == other]
        wins[:, one] += margin >= 0
        wins[:, other] += margin < 0
        margins[:, one] += margin
        margins[:, other] -= margin
    return wins + margins / (3 * (np.abs(margins) + 1))  # less than a win


def _scikit_learn():
    try:
        from sklearn import svm
    except ImportError as error:
        install = "pip install 'vladser[svm]'"
        raise InputError(
            f"readout svm needs scikit-learn: {install} ({error})"
        ) from None
    return svm
