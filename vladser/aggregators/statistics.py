"""Statistics pooling: mean and standard deviation of each cell over time."""

import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.types import Aggregator


def statistics() -> Aggregator:
    """[mu, sigma] of the frames (Snyder et al. 2017, section 3.1; 2018, x-vectors):

        mu = 1/T sum_t x_t,  sigma = sqrt(1/T sum_t (x_t - mu)^2)

    Twice as long as a frame; zeros if there is no frame.
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
