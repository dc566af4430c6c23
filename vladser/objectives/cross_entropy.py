"""Cross-entropy to soft labels, with three treatments of class imbalance.

Each treatment is off at 0. Class shares are those of the fold's training utterances; a
class that they lack counts as one utterance, so that weights and logarithms are finite.
"""

from functools import partial
from typing import Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from vladser.contracts import Objective
from vladser.options import NonNegative, Share
from vladser.types import Array

_TINY = np.finfo(np.float32).tiny


class Data(NamedTuple):
    """The options and the training set, as the loss sees them."""

    alpha: Array  # [] weight of the prior in the labels, eq. (2)
    prior: Array  # [classes] u(k) of eq. (2)
    class_weights: Array  # [classes], with a mean of 1 over the training utterances
    focal: Array  # [] gamma of the focal loss
    logit_adjustment: Array  # [classes] is added to the logits


def cross_entropy(
    *,
    smoothing: Literal["none", "uniform", "unigram"] = "unigram",
    alpha: Share = 0.2,
    class_weights: Share = 0.0,
    focal: NonNegative = 0.0,
    logit_adjustment: NonNegative = 0.0,
) -> Objective:
    """Computes the cross-entropy between predictions and soft labels.

    Huang, Tao, Liu, Lian 2020, "Learning utterance-level representations with label
    smoothing for speech emotion recognition", section 3. Logit adjustment: Menon et al.
    2021, "Long-tail learning via logit adjustment", equation (10).

    Args:
      smoothing: the prior of the soft labels: none, uniform, or unigram, which is the
        class shares of the training set.
      alpha: weight of the prior in the soft labels.
      class_weights: exponent of the inverse class share that weights each utterance: 0
        weights all alike, 1 gives all classes the same total weight.
      focal: gamma of the focal loss, which reduces the loss of easy utterances.
      logit_adjustment: tau of logit adjustment: the loss adds tau log(class share) to
        the logits, so that rare classes are not predicted less for being rare.
    """

    def prepare(labels, classes):
        counts = np.bincount(labels, minlength=classes)
        uniform = np.full(classes, 1 / classes)
        unigram = counts / counts.sum()
        priors = {"none": uniform, "uniform": uniform, "unigram": unigram}
        shares = np.maximum(counts, 1) / counts.sum()
        weights = (classes * shares) ** -class_weights
        float32 = partial(np.array, dtype=np.float32)
        return Data(
            alpha=float32(0 if smoothing == "none" else alpha),
            prior=float32(priors[smoothing]),
            class_weights=float32(weights * (counts.sum() / (counts @ weights))),
            focal=float32(focal),
            logit_adjustment=float32(logit_adjustment * np.log(shares)),
        )

    def loss(params, data, vectors, logits, labels):
        return jax.vmap(utterance, in_axes=(0, 0, None))(logits, labels, data)

    return Objective(prepare, lambda key, size, classes: (), loss)


def hard(logits: Array, labels: Array) -> Array:
    """Computes the cross-entropies [B] of logits [B, classes] to labels [B] int."""
    log_p = jax.nn.log_softmax(logits)
    return -(jax.nn.one_hot(labels, logits.shape[-1]) * log_p).sum(axis=-1)


def utterance(logits: Array, label: Array, data: Data) -> Array:
    """Computes w_y * -sum_k q'(k) (1 - p_k)^gamma log p_k of one utterance, at least 0,
    from its logits [classes] and its label y.

    p is the softmax of the adjusted logits, and q'(k) = (1 - alpha) delta(k, y) +
    alpha u(k) the soft label of Huang et al. 2020, equation (2). gamma is from Lin et
    al. 2017, "Focal loss for dense object detection", equation (4), where labels are
    hard.

    The weight w is that of the true label y, not one of each k as in PyTorch: it scales
    an utterance and leaves its soft label as it is. A weight of each k would favour
    rare classes in the prior too, and thus undo the unigram prior. Losses are averaged
    over utterances, not over weights, whose mean is 1 over the training set.
    """
    chex.assert_rank([logits, label, data.prior], [1, 0, 1])
    hard = jax.nn.one_hot(label, data.prior.shape[-1])
    targets = (1 - data.alpha) * hard + data.alpha * data.prior
    log_p = jax.nn.log_softmax(logits + data.logit_adjustment)
    # 1 - p, kept above 0, where a power below 1 has an infinite slope.
    rest = jnp.maximum(-jnp.expm1(log_p), _TINY)
    loss = -jnp.sum(targets * rest**data.focal * log_p)
    return jnp.asarray(data.class_weights)[label] * loss
