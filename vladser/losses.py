"""The loss of one utterance, and three ways to treat classes of unequal size.

Each treatment is off at 0, and what is left is the cross-entropy to soft labels. Class
shares are those of the fold's training utterances; a class that they lack counts as one
utterance, the fewest that a class can have, so that no weight or logarithm is infinite.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from vladser import smoothing
from vladser.types import Array, Trial

_TINY = np.finfo(np.float32).tiny


def class_weights(strength: float, labels: np.ndarray, classes: int) -> np.ndarray:
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


def logit_adjustment(tau: float, labels: np.ndarray, classes: int) -> np.ndarray:
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


def utterance(logits: Array, label: Array, trial: Trial) -> Array:
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
    targets = smoothing.soften(label, trial.alpha, trial.prior)
    log_p = jax.nn.log_softmax(logits + trial.logit_adjustment)
    # 1 - p. Kept above 0, where a power below 1 has an infinite slope.
    rest = jnp.maximum(-jnp.expm1(log_p), _TINY)
    loss = -jnp.sum(targets * rest**trial.focal * log_p)
    return jnp.asarray(trial.class_weights)[label] * loss


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.maximum(counts, 1) / counts.sum()
