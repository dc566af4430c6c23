"""The first frames, one behind the other, as one vector."""

import jax
import jax.numpy as jnp

from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator
from vladser.options import Count


def stack(*, frames: Count = 25) -> Aggregator:
    """Returns the first frames end to end, V = frames x H; zeros for those that lack.

    Han, Yu, Tashev 2014, "Speech Emotion Recognition Using Deep Neural Network and
    Extreme Learning Machine", equation (2), of a segment of 25 frames.

    Args:
      frames: how many.
    """

    def start(params, dim):
        return jnp.zeros((frames, dim)), jnp.zeros(())

    def update(params, state, block, mask):
        rows, count = state
        # The product of a row of zeros and a one: exact, and no scatter.
        exact = jax.lax.Precision.HIGHEST
        place = count + jnp.cumsum(mask) - 1
        here = (jnp.arange(frames)[:, None] == place) & mask
        rows += jnp.matmul(here.astype(block.dtype), block, precision=exact)
        return rows, count + mask.sum()

    def finish(params, state):
        return state[0].ravel()

    return stepwise(lambda key, dim: (), start, update, finish)
