"""The class-specific angular softmax."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vladser.contracts import Objective
from vladser.objectives import cross_entropy
from vladser.options import NonNegative, Share
from vladser.types import Array

_LARGEST = 4  # margins above it have no polynomial here


class Data(NamedTuple):
    """The options and the training set, as the loss sees them."""

    entropy: cross_entropy.Data
    margins: Array  # [classes] m of each class
    blend: Array  # [] lambda


def angular(
    *,
    margin: NonNegative = 2.0,
    balance: Share = 0.25,
    blend: NonNegative = 5.0,
    smoothing: Literal["none", "uniform", "unigram"] = "none",
    alpha: Share = 0.2,
) -> Objective:
    """Computes the cross-entropy after making the angle to the true class count more.

    The logit of the true class y becomes |x| (lambda cos_y + psi(cos_y; m_y)) /
    (1 + lambda), see `widened`; m_c = 1 + (margin - 1) (n_max / n_c)^balance, at most
    4, where n_c are the training utterances of the class. It needs the head `cosine`.

    After Li et al. 2019 on class-specific margins for speech emotion recognition (the
    abstract; the formula of m_c is ours), and Liu et al. 2017, "SphereFace: Deep
    Hypersphere Embedding for Face Recognition", section 3.2.

    Args:
      margin: m of the most frequent class, 1 to 4; 1 for all is the plain loss.
      balance: exponent by which rarer classes have a larger margin; 0 for the same.
      blend: lambda, weight of the plain cosine.
      smoothing, alpha: of the labels, see `cross_entropy`.
    """

    if not 1 <= margin <= _LARGEST:
        raise ValueError(f"margin: expected 1 to {_LARGEST}, got {margin:g}")

    def prepare(labels, classes):
        counts = np.maximum(np.bincount(labels, minlength=classes), 1)
        margins = 1 + (margin - 1) * (counts.max() / counts) ** balance
        entropy = cross_entropy.cross_entropy(smoothing=smoothing, alpha=alpha)
        return Data(
            entropy.prepare(labels, classes),
            np.minimum(margins, _LARGEST).astype(np.float32),
            np.array(blend, np.float32),
        )

    def loss(params, data, vectors, logits, labels):
        return jax.vmap(utterance, in_axes=(0, 0, 0, None))(
            vectors, logits, labels, data
        )

    return Objective(prepare, lambda key, size, classes: (), loss, head="cosine")


def utterance(vector: Array, logits: Array, label: Array, data: Data) -> Array:
    """Computes the loss of one utterance from its vector [V] and logits [classes]."""
    squares = jnp.sum(vector**2)
    length = jnp.sqrt(jnp.where(squares > 0, squares, 1.0))
    there = jnp.arange(len(logits)) == label
    # Sums, since the gradient of indexing is a scatter.
    cosine = jnp.where(there, logits, 0).sum() / length
    margin = jnp.where(there, data.margins, 0).sum()
    psi = widened(jnp.clip(cosine, -1, 1), margin)
    changed = length * (data.blend * cosine + psi) / (1 + data.blend)
    changed = jnp.where(there & (squares > 0), changed, logits)
    # Else each of its readers computes all of it anew, and compiles for a minute.
    changed = lax.optimization_barrier(changed)
    return cross_entropy.utterance(changed, label, data.entropy)


def widened(cosine: Array, margin: Array) -> Array:
    """Computes psi(theta; m) = (-1)^k cos(m theta) - 2k of theta in [k pi/m, (k+1)
    pi/m], from the cosine of theta; between whole m by linear interpolation.

    cos(m theta) is a polynomial of cos(theta), whose slope is finite everywhere, unlike
    that of the arc cosine.
    """
    of_whole = [_psi(cosine, m) for m in range(1, _LARGEST + 1)]
    weights = jnp.maximum(1 - jnp.abs(margin - jnp.arange(1, _LARGEST + 1)), 0)
    return sum(weight * psi for weight, psi in zip(weights, of_whole, strict=True))


def _psi(cosine: Array, margin: int) -> Array:
    ends = jnp.cos(jnp.pi * jnp.arange(1, margin) / margin)
    k = jnp.sum(cosine < ends)
    cosine = jnp.asarray(cosine)
    lower, polynomial = jnp.ones_like(cosine), cosine  # of Chebyshev, by recurrence
    for _ in range(margin - 1):
        lower, polynomial = polynomial, 2 * cosine * polynomial - lower
    return jnp.where(k % 2, -1, 1) * polynomial - 2 * k
