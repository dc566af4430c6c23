"""Weighted pooling: an average over time, weighted by attention."""

import jax
import jax.numpy as jnp

from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator


def weighted() -> Aggregator:
    """Returns sum_t softmax_t(u . x_t) x_t, where u is learned; zeros without a frame.

    Huang et al. 2020, section 2.2, after Mirsamadi, Barsoum, Zhang 2017, "Automatic
    speech emotion recognition using recurrent neural networks with local attention".
    """

    def init(key, dim):
        return jax.nn.initializers.glorot_uniform()(key, (dim, 1))[:, 0]

    def start(params, dim):
        return running.no_score(), jnp.zeros(()), jnp.zeros(dim)

    def update(params, state, frames, mask):
        largest, weight, total = state
        scores = frames @ params
        largest, fade, weights = running.exponentials(largest, scores, mask)
        return largest, fade * weight + weights.sum(), fade * total + weights @ frames

    def finish(params, state):
        _, weight, total = state
        return total * running.reciprocal(weight)

    return stepwise(init, start, update, finish)
