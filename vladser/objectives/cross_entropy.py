"""Cross-entropy to soft labels, and three ways to treat classes of unequal size.

Each treatment is off at 0, and what is left is the cross-entropy to soft labels. Class
shares are those of the fold's training utterances; a class that they lack counts as one
utterance, the fewest that a class can have, so that no weight or logarithm is infinite.
"""

from typing import Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from vladser.objectives import smoothing as smoothings
from vladser.options import NonNegative, Share
from vladser.types import Array, Objective

_TINY = np.finfo(np.float32).tiny


class Data(NamedTuple):
    """What the loss needs of the options and of the training set."""

    alpha: Array  # [] weight of the prior in the labels, eq. (2)
    prior: Array  # [classes] u(k) of eq. (2)
    class_weights: Array  # [classes] what an utterance of each weighs
    focal: Array  # [] gamma of the focal loss
    logit_adjustment: Array  # [classes] what is added to the logits


def cross_entropy(
    *,
    smoothing: Literal["none", "uniform", "unigram"] = "unigram",
    alpha: Share = 0.2,
    class_weights: Share = 0.0,
    focal: NonNegative = 0.0,
    logit_adjustment: NonNegative = 0.0,
) -> Objective:
    """Huang et al. 2020, section 3: the cross-entropy to the soft labels of eq. (2).

    Args:
      smoothing: the prior of the soft labels: none, uniform, or unigram, the class
        shares of the training set.
      alpha: weight of that prior in the labels.
      class_weights: how much more the utterances of rare classes weigh: from 0, all
        weigh the same, to 1, by the inverse of their class's share.
      focal: gamma of the focal loss, which gives easy utterances less weight.
      logit_adjustment: tau of logit adjustment: the loss adds tau log(class share) to
        the logits, so that rare classes are not predicted less for being rare.
    """

    def prepare(labels, classes):
        return Data(
            np.array(0 if smoothing == "none" else alpha, np.float32),
            smoothings.prior(smoothing, labels, classes),
            weigh(class_weights, labels, classes),
            np.array(focal, np.float32),
            adjust(logit_adjustment, labels, classes),
        )

    def loss(params, data, vectors, logits, labels):
        return jax.vmap(utterance, in_axes=(0, 0, None))(logits, labels, data)

    return Objective(prepare, lambda key, size, classes: (), loss)


def weigh(strength: float, labels: np.ndarray, classes: int) -> np.ndarray:
    """What an utterance of each class weighs, [classes] float32.

    (1 / (classes * share))^strength, rescaled to a mean of 1 over the utterances: at 1
    each class weighs the same in all, scikit-learn's "balanced".

    Args:
      strength: from 0, all equal, to 1.
      labels: [N] int, of the training set alone.
    """
    counts = np.bincount(labels, minlength=classes)
    weights = (classes * _shares(counts)) ** -strength
    return (weights * (counts.sum() / (counts @ weights))).astype(np.float32)


def adjust(tau: float, labels: np.ndarray, classes: int) -> np.ndarray:
    """tau log(share), what the loss adds to the logits, [classes] float32; Menon et al.
    2021, eq. (10).

    The logits themselves then learn to answer as if the classes were of equal size
    (tau = 1): predictions use them as they are.

    Args:
      tau: at least 0.
      labels: [N] int, of the training set alone.
    """
    counts = np.bincount(labels, minlength=classes)
    return (tau * np.log(_shares(counts))).astype(np.float32)


def utterance(logits: Array, label: Array, data: Data) -> Array:
    """w_y * -sum_k q'(k) (1 - p_k)^gamma log p_k.

    p is the softmax of the adjusted logits, q' the soft label, eq. (2), gamma the focus
    of Lin et al. 2017, eq. (4), which is of a hard label.

    The weight w is that of the true label y, not of each k as in PyTorch: it says how
    much an utterance counts and leaves its soft label as it is. Weights of each k would
    favour rare classes in the prior too, and undo the unigram one. Losses are averaged
    over utterances, not over weights, whose mean is 1 over the training set.

    Args:
      logits: [classes].
      label: [] int, y.

    Returns:
      [], 0 or above.
    """
    chex.assert_rank([logits, label], [1, 0])
    targets = smoothings.soften(label, data.alpha, data.prior)
    log_p = jax.nn.log_softmax(logits + data.logit_adjustment)
    # 1 - p. Kept above 0, where a power below 1 has an infinite slope.
    rest = jnp.maximum(-jnp.expm1(log_p), _TINY)
    loss = -jnp.sum(targets * rest**data.focal * log_p)
    return jnp.asarray(data.class_weights)[label] * loss


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.maximum(counts, 1) / counts.sum()
