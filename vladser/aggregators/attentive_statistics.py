"""Attentive statistics pooling: weighted mean and deviation, with learned weights."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser.aggregators import running
from vladser.aggregators.running import Moments
from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    w: Array  # [H, hidden]
    b: Array  # [hidden]
    v: Array  # [hidden]


def attentive_statistics(*, hidden: Count = 64) -> Aggregator:
    """Returns the mean and the standard deviation of the frames, weighted by attention.

        e_t = v . tanh(x_t W + b),  a_t = softmax_t(e_t)
        mu = sum_t a_t x_t,  sigma = sqrt(sum_t a_t x_t^2 - mu^2)

    The vector is [mu, sigma], V = 2H; zeros without a frame. The paper adds a constant
    to e_t, which cancels in the softmax.

    Okabe, Koshinaka, Shinoda 2018, "Attentive statistics pooling for deep speaker
    embedding", equations (3) to (6).

    Args:
      hidden: units of the attention's hidden layer.
    """

    def init(key, dim):
        glorot = jax.nn.initializers.glorot_uniform()
        w_key, v_key = jax.random.split(key)
        v = glorot(v_key, (hidden, 1))[:, 0]
        return Params(glorot(w_key, (dim, hidden)), jnp.zeros(hidden), v)

    def start(params, dim):
        return running.no_score(), running.no_moments(dim)

    def update(params, state, frames, mask):
        largest, (weight, mean, squares) = state
        scores = jnp.tanh(frames @ params.w + params.b) @ params.v
        largest, fade, weights = running.exponentials(largest, scores, mask)
        before = Moments(fade * weight, mean, fade * squares)
        return largest, running.merge(before, running.moments(frames, weights))

    def finish(params, state):
        _, moments = state
        return running.mean_and_deviation(moments)

    return stepwise(init, start, update, finish)
