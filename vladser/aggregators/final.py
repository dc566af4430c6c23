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
        place = jnp.arange(mask.shape[0])
        chosen = mask & (place == jnp.where(mask, place, -1).max(initial=-1))
        # A sum, since the gradient of indexing is a scatter.
        here = jnp.where(chosen[:, None], frames, 0).sum(axis=0)
        return jnp.where(mask.any(), here, last)

    return stepwise(lambda key, dim: (), start, update, lambda params, last: last)
