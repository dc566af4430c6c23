"""Statistics pooling: mean and standard deviation over time."""

from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator


def statistics() -> Aggregator:
    """Returns the mean and the standard deviation of the frames.

        mu = 1/T sum_t x_t,  sigma = sqrt(1/T sum_t (x_t - mu)^2)

    The vector is [mu, sigma], V = 2H; zeros without a frame.

    Snyder et al. 2017, "Deep neural network embeddings for text-independent speaker
    verification", section 3.1.
    """

    def update(params, moments, frames, mask):
        weights = mask.astype(frames.dtype)
        return running.merge(moments, running.moments(frames, weights))

    return stepwise(
        lambda key, dim: (),
        lambda params, dim: running.no_moments(dim),
        update,
        lambda params, moments: running.mean_and_deviation(moments),
    )
