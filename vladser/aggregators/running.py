"""Softmax weights and moments over time, updated block by block."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser.types import Array

# Below any score, and finite: the difference of two of them must not be NaN.
_NO_SCORE = -1e30


def no_score(*shape: int) -> Array:
    """Returns the largest score [...] before the first frame."""
    return jnp.full(shape, _NO_SCORE, float)


def exponentials(
    largest: Array, scores: Array, mask: Array
) -> tuple[Array, Array, Array]:
    """Computes the numerators of a softmax over time.

    They are relative to the largest score so far, so that nothing overflows. When a
    block has a larger one, sums over earlier frames must be multiplied by `fade`.

    Args:
      largest: [...] of earlier frames, see `no_score`.
      scores: [T, ...], finite.
      mask: [T] bool.

    Returns:
      The largest score now [...], fade [...], and exp(score - largest) [T, ...], zero
      where the mask is False.
    """
    mask = mask.reshape(-1, *[1] * (scores.ndim - 1))
    scores = jnp.where(mask, scores, _NO_SCORE)
    # The softmax does not depend on this shift, and neither does its gradient.
    new = jnp.maximum(largest, scores.max(axis=0, initial=_NO_SCORE))
    new = jax.lax.stop_gradient(new)
    return new, jnp.exp(largest - new), jnp.where(mask, jnp.exp(scores - new), 0.0)


class Moments(NamedTuple):
    """The moments of weighted frames."""

    weight: Array  # [] the sum of the weights
    mean: Array  # [D]
    squares: Array  # [D] the sum of weight (x - mean)^2


def no_moments(dim: int) -> Moments:
    """Returns the moments before the first frame."""
    return Moments(jnp.zeros(()), jnp.zeros(dim), jnp.zeros(dim))


def moments(frames: Array, weights: Array) -> Moments:
    """Computes the moments of finite frames [T, D] with weights [T] of at least 0."""
    weight = weights.sum()
    mean = (weights @ frames) * reciprocal(weight)
    return Moments(weight, mean, weights @ (frames - mean) ** 2)


def merge(one: Moments, other: Moments) -> Moments:
    """Merges the moments of two sets of frames, in any order.

    Adds the variance between the two means to those within: E[x^2] - E[x]^2 would
    cancel. Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for
    computing sample variances".
    """
    weight = one.weight + other.weight
    share = other.weight * reciprocal(weight)
    delta = other.mean - one.mean
    squares = one.squares + other.squares + delta**2 * (one.weight * share)
    return Moments(weight, one.mean + delta * share, squares)


def mean_and_deviation(moments: Moments) -> Array:
    """Returns the mean and the standard deviation, [2D]; a deviation below 1e-6 is
    zero, with gradient zero, since the square root has no gradient at 0."""
    variance = moments.squares * reciprocal(moments.weight)
    positive = variance > 1e-12
    root = jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1.0)), 0.0)
    return jnp.concatenate([moments.mean, root])


def reciprocal(weight: Array) -> Array:
    """Returns 1 / weight, and 1 where that is 0, before the first frame."""
    return 1 / jnp.where(weight > 0, weight, 1.0)
