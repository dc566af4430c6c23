"""Max pooling: the largest value of each cell over time."""

import jax.numpy as jnp

from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator


def maximum() -> Aggregator:
    """Returns max_t x_t(j); zeros without a frame.

    Huang et al. 2020, section 2.2.
    """

    def start(params, dim):
        return jnp.full(dim, -jnp.inf, float)

    def update(params, largest, frames, mask):
        kept = jnp.where(mask[:, None], frames, -jnp.inf)
        return jnp.maximum(largest, kept.max(axis=0, initial=-jnp.inf))

    def finish(params, largest):
        return jnp.where(jnp.isneginf(largest), 0.0, largest)

    return stepwise(lambda key, dim: (), start, update, finish)
