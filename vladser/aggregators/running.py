"""Softmax weights and moments over time, kept while chunks of frames come in."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser.types import Array

# Below any score, and finite: exp(NOT_YET - NOT_YET) must not be NaN.
NOT_YET = -1e30


def exponentials(
    largest: Array, scores: Array, mask: Array
) -> tuple[Array, Array, Array]:
    """A softmax over time, before it is divided by its sum.

    The largest score so far is the unit, so that nothing overflows. When a larger one
    comes, what was summed before has to be multiplied by `fade`.

    Args:
      largest: [...] of the frames before; NOT_YET where there was none.
      scores: [T, ...], finite.
      mask: [T] bool.

    Returns:
      the largest score [...] now, fade [...], and exp(score - largest) [T, ...], zero
      where the mask leaves out.
    """
    mask = mask.reshape(-1, *[1] * (scores.ndim - 1))
    scores = jnp.where(mask, scores, NOT_YET)
    # A result does not depend on this shift, so neither does its gradient.
    new = jnp.maximum(largest, scores.max(axis=0, initial=NOT_YET))
    new = jax.lax.stop_gradient(new)
    return new, jnp.exp(largest - new), jnp.where(mask, jnp.exp(scores - new), 0.0)


class Moments(NamedTuple):
    """Of frames that have weights."""

    weight: Array  # [] the sum of the weights
    mean: Array  # [D]
    squares: Array  # [D] the sum of weight (x - mean)^2


def no_moments(dim: int) -> Moments:
    """Those of no frame."""
    return Moments(jnp.zeros(()), jnp.zeros(dim), jnp.zeros(dim))


def moments(frames: Array, weights: Array) -> Moments:
    """Those of frames [T, D], finite, with weights [T]."""
    weight = weights.sum()
    mean = (weights @ frames) * _reciprocal(weight)
    return Moments(weight, mean, weights @ (frames - mean) ** 2)


def merge(one: Moments, other: Moments) -> Moments:
    """Those of both together (Chan, Golub, LeVeque 1979): a difference of means, where
    E[x^2] - E[x]^2 would lose its digits."""
    weight = one.weight + other.weight
    share = other.weight * _reciprocal(weight)
    delta = other.mean - one.mean
    squares = one.squares + other.squares + delta**2 * (one.weight * share)
    return Moments(weight, one.mean + delta * share, squares)


def deviation(moments: Moments) -> Array:
    """The standard deviation [D]. What is below 1e-6 counts as zero, and so does its
    gradient: the square root has none there."""
    variance = moments.squares * _reciprocal(moments.weight)
    positive = variance > 1e-12
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1.0)), 0.0)


def _reciprocal(weight: Array) -> Array:
    return 1 / jnp.where(weight > 0, weight, 1.0)
