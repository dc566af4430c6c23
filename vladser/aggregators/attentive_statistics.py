"""Attentive statistics pooling: weighted mean and deviation, the weights learned."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.running import Moments
from vladser.aggregators.stepwise import stepwise
from vladser.options import Count
from vladser.types import Aggregator, Array


class Params(NamedTuple):
    w: Array  # [H, hidden]
    b: Array  # [hidden]
    v: Array  # [hidden]


class _State(NamedTuple):
    largest: Array  # [] the largest score so far, in whose units the moments are
    moments: Moments


def attentive_statistics(*, hidden: Count = 64) -> Aggregator:
    """Okabe, Koshinaka, Shinoda 2018, equations (3) to (6):

        e_t = v . tanh(x_t W + b),  a_t = softmax_t(e_t)
        mu = sum_t a_t x_t,  sigma = sqrt(sum_t a_t x_t^2 - mu^2)

    and the vector is [mu, sigma]; zeros if there is no frame. The paper adds a constant
    to e_t, which the softmax takes away.

    Args:
      hidden: nodes of the attention's hidden layer.
    """

    def init(key, dim):
        glorot = jax.nn.initializers.glorot_uniform()
        w_key, v_key = jax.random.split(key)
        v = glorot(v_key, (hidden, 1))[:, 0]
        return Params(glorot(w_key, (dim, hidden)), jnp.zeros(hidden), v)

    def start(params, dim):
        return _State(jnp.float32(running.NOT_YET), running.no_moments(dim))

    def update(params, state, frames, mask):
        frames = masking.clean(frames, mask)
        scores = jnp.tanh(frames @ params.w + params.b) @ params.v
        largest, fade, weights = running.exponentials(state.largest, scores, mask)
        weight, mean, squares = state.moments
        before = Moments(fade * weight, mean, fade * squares)
        here = running.moments(frames, weights)
        return _State(largest, running.merge(before, here))

    def finish(params, state):
        return jnp.concatenate([state.moments.mean, running.deviation(state.moments)])

    return stepwise(init, start, update, finish)
