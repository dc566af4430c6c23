"""Mean pooling: the average of each cell over time."""

import jax.numpy as jnp

from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator


def mean() -> Aggregator:
    """Returns 1/T sum_t x_t(j); zeros without a frame.

    Huang et al. 2020, section 2.2.
    """

    def start(params, dim):
        return jnp.zeros(dim), jnp.zeros(())

    def update(params, state, frames, mask):
        total, count = state
        return total + frames.sum(axis=0), count + mask.sum()

    def finish(params, state):
        total, count = state
        return total * (1 / jnp.maximum(count, 1))

    return stepwise(lambda key, dim: (), start, update, finish)
