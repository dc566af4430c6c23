"""Cross-entropy of the emotion, and of activation and valence beside it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser.contracts import Objective
from vladser.heads import linear
from vladser.objectives import cross_entropy
from vladser.options import NonNegative
from vladser.types import Array

_LEVELS = 3  # of `dataset.levels`


class Data(NamedTuple):
    """The options, as the loss sees them."""

    weight: Array  # []


def views(*, weight: NonNegative = 0.3) -> Objective:
    """Adds the cross-entropies of three levels of activation and of valence, for which
    the representations have a classifier each while they are trained.

    Utterances whose activation or valence is not known add nothing; in a corpus that
    knows none, the emotion is all there is to learn.

    Neumann and Vu 2017, "Attentive Convolutional Neural Network Based Speech Emotion
    Recognition" (after the abstract; weight and levels are ours).

    Args:
      weight: of the two cross-entropies.
    """

    def prepare(labels, classes):
        return Data(np.array(weight, np.float32))

    def init(key, size, classes):
        return [linear.init(k, size, _LEVELS) for k in jax.random.split(key)]

    def loss(params, data, vectors, logits, labels, levels):
        total = cross_entropy.hard(logits, labels)
        for view, level in zip(params, jnp.transpose(levels), strict=True):
            entropy = cross_entropy.hard(linear.apply(view, vectors), level)
            total += data.weight * jnp.where(level >= 0, entropy, 0)
        return total

    return Objective(prepare, init, loss, views=True)
