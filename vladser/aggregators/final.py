"""Final pooling: the encoder's output at the last frame."""

import jax.numpy as jnp

from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator


def final() -> Aggregator:
    """Returns the last frame that the mask keeps; zeros without a frame.

    Huang et al. 2020, section 2.2.
    """

    def start(params, dim):
        return jnp.zeros(dim)

    def update(params, last, frames, mask):
        known = jnp.concatenate([last[None], frames])
        index = jnp.where(mask, 1 + jnp.arange(mask.shape[0]), 0).max(initial=0)
        return jnp.take(known, index, axis=0, mode="clip")

    return stepwise(lambda key, dim: (), start, update, lambda params, last: last)
