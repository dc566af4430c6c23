"""Generalized-mean pooling (GeM): learns where to be between average and maximum."""

import jax.numpy as jnp

from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator
from vladser.options import Positive

_EPSILON = 1e-6  # smaller values count as this


def generalized_mean(*, p: Positive = 3.0) -> Aggregator:
    """Returns (1/T sum_t x_t(j)^p)^(1/p), where p is learned; zeros without a frame.

    p = 1 is the average, p -> infinity the maximum. The equation holds for x >= 0,
    since it follows a ReLU in the paper. An LSTM's outputs are signed: their positive
    parts max(x, 0) and negative parts max(-x, 0) are pooled separately, V = 2H. Thus
    nothing of a frame is lost, the vector scales with the frames, as dropout requires,
    and no root is taken of a sum that cancels, whose gradient would be unbounded.

    All cells share one p. Its logarithm is the parameter, so p stays positive.

    Radenovic, Tolias, Chum 2018, "Fine-tuning CNN image retrieval with no human
    annotation", equation (3).

    Args:
      p: its initial value; 3 in the paper.
    """

    def init(key, dim):
        return jnp.log(jnp.full((), p, float))

    def start(params, dim):
        return running.no_score(2 * dim), jnp.zeros(2 * dim), jnp.zeros(())

    def update(params, state, frames, mask):
        largest, total, count = state
        parts = jnp.concatenate([frames, -frames], axis=1)
        logs = jnp.exp(params) * jnp.log(jnp.maximum(parts, _EPSILON))
        largest, fade, powers = running.exponentials(largest, logs, mask)
        total = fade * total + powers.sum(axis=0)
        return largest, total, count + mask.sum()

    def finish(params, state):
        largest, total, count = state
        some = count > 0
        mean = jnp.where(some, total, 1.0) * (1 / jnp.maximum(count, 1))
        log = (jnp.where(some, largest, 0.0) + jnp.log(mean)) * jnp.exp(-params)
        return jnp.where(some, jnp.exp(log), 0.0)

    return stepwise(init, start, update, finish)
