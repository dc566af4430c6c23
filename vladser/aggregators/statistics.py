"""Statistics pooling: mean and standard deviation over time."""

import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.types import Aggregator


def statistics() -> Aggregator:
    """Returns the mean and the standard deviation of the frames.

        mu = 1/T sum_t x_t,  sigma = sqrt(1/T sum_t (x_t - mu)^2)

    The vector is [mu, sigma], V = 2H; zeros without a frame.

    Snyder et al. 2017, "Deep neural network embeddings for text-independent speaker
    verification", section 3.1.
    """

    def start(params, dim):
        return running.no_moments(dim)

    def update(params, moments, frames, mask):
        frames = masking.clean(frames, mask)
        here = running.moments(frames, mask.astype(frames.dtype))
        return running.merge(moments, here)

    def finish(params, moments):
        return jnp.concatenate([moments.mean, running.deviation(moments)])

    return stepwise(lambda key, dim: (), start, update, finish)
