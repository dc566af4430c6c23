"""Weighted pooling: an average over time, weighted by attention."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.types import Aggregator, Array


class _Sums(NamedTuple):
    largest: Array  # [] the largest score so far, the unit of the sums
    weight: Array  # []
    frames: Array  # [H]


def weighted() -> Aggregator:
    """Returns sum_t softmax_t(u . x_t) x_t, where u is learned; zeros without a frame.

    Huang, Tao, Liu, Lian 2020, "Learning utterance-level representations with label
    smoothing for speech emotion recognition", section 2.2, after Mirsamadi, Barsoum,
    Zhang 2017, "Automatic speech emotion recognition using recurrent neural networks
    with local attention".
    """

    def init(key, dim):
        return jax.nn.initializers.glorot_uniform()(key, (dim, 1))[:, 0]

    def start(params, dim):
        return _Sums(running.no_score(), jnp.zeros(()), jnp.zeros(dim))

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
