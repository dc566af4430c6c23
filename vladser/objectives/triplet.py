"""Cross-entropy, and a triplet loss on the utterance-level representations."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import masking
from vladser.contracts import Objective
from vladser.objectives import cross_entropy
from vladser.options import NonNegative
from vladser.types import Array


class Data(NamedTuple):
    """The options, as the loss sees them."""

    weight: Array  # []
    margin: Array  # []


def triplet(*, weight: NonNegative = 1.0, margin: NonNegative = 0.2) -> Objective:
    """Adds a triplet loss with semi-hard negatives to the cross-entropy.

    Huang, Li, Tao, Lian 2018, "Speech Emotion Recognition from Variable-Length Inputs
    with Triplet Loss Function" (after the abstract; sizes are ours). Mining: Schroff,
    Kalenichenko, Philbin 2015, "FaceNet", section 3.2.

    Args:
      weight: of the triplet loss.
      margin: by which another emotion is to be farther away, in squared distance of
        representations of length 1.
    """

    def prepare(labels, classes):
        return Data(np.array(weight, np.float32), np.array(margin, np.float32))

    def loss(params, data, vectors, logits, labels):
        entropy = cross_entropy.hard(logits, labels)
        return entropy + data.weight * semi_hard(vectors, labels, data.margin)

    return Objective(prepare, lambda key, size, classes: (), loss, coupled=True)


def semi_hard(vectors: Array, labels: Array, margin: Array) -> Array:
    """Computes the mean of [d(a, p) - d(a, n) + margin]_+ over all pairs of different
    utterances a and p of one class, d the squared distance of the unit vectors.

    n is the nearest utterance of another class that is farther from a than p is, or
    where there is none, the farthest of another class.

    Args:
      vectors: [B, V].
      labels: [B] int; -1 is an empty row, which counts for nothing.
      margin: [].

    Returns:
      The loss []; 0 without a pair or without two classes.
    """
    unit, live = masking.l2_normalize(vectors), jnp.asarray(labels >= 0)
    # Distances of neighbours are what such a product loses first.
    product = jnp.matmul(unit, unit.T, precision=jax.lax.Precision.HIGHEST)
    distance = jnp.maximum(2 - 2 * product, 0)
    both, same = live[:, None] & live, labels[:, None] == labels
    others = both & ~same
    pairs = both & same & ~jnp.eye(len(labels), dtype=bool)
    pairs &= others.any(axis=1)[:, None]
    # [a, p, n]
    beyond = others[:, None] & (distance[:, None] > distance[:, :, None])
    nearest = jnp.where(beyond, distance[:, None], jnp.inf).min(axis=2)
    farthest = jnp.where(others, distance, -jnp.inf).max(axis=1)[:, None]
    negative = jnp.where(beyond.any(axis=2), nearest, farthest)
    lacking = distance - jnp.where(pairs, negative, 0) + margin
    total = jnp.where(pairs, jnp.maximum(lacking, 0), 0).sum()
    return total / jnp.maximum(pairs.sum(), 1)
