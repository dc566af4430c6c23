"""Generalized-mean pooling (GeM): between average and maximum, where is learned."""

from typing import NamedTuple

import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import stepwise
from vladser.options import Positive
from vladser.types import Aggregator, Array

_EPSILON = 1e-6  # values below count as this much


class _Sums(NamedTuple):
    largest: Array  # [2H] the largest p log x so far, in whose units the sums are
    powers: Array  # [2H]
    count: Array  # type: ignore[assignment]  # []; hides tuple.count


def generalized_mean(*, p: Positive = 3.0) -> Aggregator:
    """(1/T sum_t x_t(j)^p)^(1/p), p learned (Radenovic, Tolias, Chum 2018, eq. (3)).

    p = 1 is the average, p -> infinity the maximum. The equation is for x >= 0, for it
    follows a ReLU. An LSTM's outputs have a sign: here the positive parts max(x, 0) and
    the negative parts max(-x, 0) are pooled each by themselves, and the vector is twice
    as long as a frame. So nothing of the frame is lost, twice the frame is twice the
    vector, as dropout's scaling wants it, and no root is taken of a sum that cancels,
    which would have no bound on its gradient.

    All cells share one p, and its logarithm is the parameter: p stays positive.

    Args:
      p: where the training starts; the paper's.
    """

    def init(key, dim):
        return jnp.log(jnp.float32(p))

    def start(params, dim):
        sums = jnp.full(2 * dim, running.NOT_YET), jnp.zeros(2 * dim)
        return _Sums(*sums, jnp.zeros(()))

    def update(params, sums, frames, mask):
        frames = masking.clean(frames, mask)
        parts = jnp.concatenate([frames, -frames], axis=1)
        logs = jnp.exp(params) * jnp.log(jnp.maximum(parts, _EPSILON))
        largest, fade, powers = running.exponentials(sums.largest, logs, mask)
        total = fade * sums.powers + powers.sum(axis=0)
        return _Sums(largest, total, sums.count + mask.sum())

    def finish(params, sums):
        some = sums.count > 0
        mean = jnp.where(some, sums.powers, 1.0) * (1 / jnp.maximum(sums.count, 1))
        log = (jnp.where(some, sums.largest, 0.0) + jnp.log(mean)) * jnp.exp(-params)
        return jnp.where(some, jnp.exp(log), 0.0)

    return stepwise(init, start, update, finish)
