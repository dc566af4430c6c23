"""Weighted pooling: an average over time whose weights are learned (attention)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.types import Aggregator, Array


class _Sums(NamedTuple):
    largest: Array  # [] the largest score so far, in whose units the sums are
    weight: Array  # []
    frames: Array  # [H]


def weighted() -> Aggregator:
    """sum_t softmax_t(u . x_t) x_t (Mirsamadi et al. 2017; Huang et al. 2020, 2.2)."""

    def init(key, dim):
        return jax.nn.initializers.glorot_uniform()(key, (dim, 1))[:, 0]

    def start(params, dim):
        return _Sums(jnp.float32(running.NOT_YET), jnp.zeros(()), jnp.zeros(dim))

    def update(params, sums, frames, mask):
        frames = masking.clean(frames, mask)
        scores = frames @ params
        largest, fade, weights = running.exponentials(sums.largest, scores, mask)
        return _Sums(
            largest,
            fade * sums.weight + weights.sum(),
            fade * sums.frames + weights @ frames,
        )

    def finish(params, sums):
        return sums.frames * (1 / jnp.where(sums.weight > 0, sums.weight, 1.0))

    return stepwise(init, start, update, finish)
