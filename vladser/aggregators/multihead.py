"""Multi-head attention pooling: each part of a frame has its own weights."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import running
from vladser.aggregators.stepwise import divide, stepwise
from vladser.options import Count
from vladser.types import Aggregator, Array


class _Sums(NamedTuple):
    largest: Array  # [K] the largest scores so far, the units of the sums
    weight: Array  # [K]
    frames: Array  # [K, H / K]


def multihead(*, heads: Count = 4) -> Aggregator:
    """Returns averages of parts of the frames, each weighted by its own attention.

    A frame is cut into K heads x_t = [x_t1, ..., x_tK] of d = H / K numbers:

        w_tk = softmax_t(x_tk . u_k / sqrt(d)),  c_k = sum_t w_tk x_tk

    The vector is [c_1, ..., c_K], V = H; zeros without a frame.

    India, Safari, Hernando 2019, "Self multi-head attention for speaker recognition",
    section 2.2.

    Args:
      heads: K, a divisor of H.
    """

    def init(key, dim):
        glorot = jax.nn.initializers.glorot_uniform(batch_axis=0)
        return glorot(key, (heads, divide(dim, heads=heads), 1))[..., 0]

    def start(params, dim):
        zeros = jnp.zeros(heads), jnp.zeros((heads, dim // heads))
        return _Sums(running.no_score(heads), *zeros)

    def update(params, sums, frames, mask):
        parts = masking.clean(frames, mask).reshape(frames.shape[0], *params.shape)
        scores = jnp.einsum("tkd,kd->tk", parts, params) * params.shape[1] ** -0.5
        largest, fade, weights = running.exponentials(sums.largest, scores, mask)
        here = jnp.einsum("tk,tkd->kd", weights, parts)
        return _Sums(
            largest,
            fade * sums.weight + weights.sum(axis=0),
            fade[:, None] * sums.frames + here,
        )

    def finish(params, sums):
        share = 1 / jnp.where(sums.weight > 0, sums.weight, 1.0)
        return (sums.frames * share[:, None]).ravel()

    return stepwise(init, start, update, finish)
