"""Multi-head attention pooling: each part of a frame has its own weights."""

import jax
import jax.numpy as jnp

from vladser.aggregators import running
from vladser.aggregators.stepwise import divide, stepwise
from vladser.contracts import Aggregator
from vladser.options import Count


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
        return glorot(key, (heads, divide(dim, "heads", heads), 1))[..., 0]

    def start(params, dim):
        zeros = jnp.zeros(heads), jnp.zeros((heads, dim // heads))
        return running.no_score(heads), *zeros

    def update(params, state, frames, mask):
        largest, weight, total = state
        parts = frames.reshape(frames.shape[0], *params.shape)
        scores = jnp.einsum("tkd,kd->tk", parts, params) * params.shape[1] ** -0.5
        largest, fade, weights = running.exponentials(largest, scores, mask)
        here = jnp.einsum("tk,tkd->kd", weights, parts)
        weight = fade * weight + weights.sum(axis=0)
        return largest, weight, fade[:, None] * total + here

    def finish(params, state):
        _, weight, total = state
        return (total * running.reciprocal(weight)[:, None]).ravel()

    return stepwise(init, start, update, finish)
