"""Weighted pooling: an average over time whose weights are learned (attention)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import streaming
from vladser.types import Aggregator, Array

# Below any score, and finite: exp(_NOT_YET - _NOT_YET) must not be NaN.
_NOT_YET = -1e30


class _Sums(NamedTuple):
    largest: Array  # [] the largest score so far, in whose units the sums are
    weight: Array  # []
    frames: Array  # [H]


def weighted() -> Aggregator:
    """sum_t softmax_t(u . x_t) x_t (Mirsamadi et al. 2017; Huang et al. 2020, 2.2).

    The softmax runs over time as a running sum, rescaled whenever a larger score
    comes, so that chunks of frames can follow one another.
    """

    def init(key, dim):
        return jax.nn.initializers.glorot_uniform()(key, (dim, 1))[:, 0]

    def start(params, dim):
        return _Sums(jnp.float32(_NOT_YET), jnp.zeros(()), jnp.zeros(dim))

    def update(params, sums, frames, mask):
        frames = masking.clean(frames, mask)
        scores = jnp.where(mask, frames @ params, _NOT_YET)
        # The result does not depend on this shift, so neither does the gradient.
        largest = jax.lax.stop_gradient(jnp.maximum(sums.largest, scores.max()))
        weights = jnp.where(mask, jnp.exp(scores - largest), 0.0)
        old = jnp.exp(sums.largest - largest)
        return _Sums(
            largest,
            old * sums.weight + weights.sum(),
            old * sums.frames + weights @ frames,
        )

    def finish(params, sums):
        return sums.frames * (1 / jnp.where(sums.weight > 0, sums.weight, 1.0))

    return streaming(init, start, update, finish)
