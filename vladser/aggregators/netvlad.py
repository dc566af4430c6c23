"""NetVLAD: where the frames lie around a few learned cluster centers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import streaming
from vladser.types import Aggregator, Array


class Params(NamedTuple):
    w: Array  # [K, H]
    b: Array  # [K]
    c: Array  # [K, H] the cluster centers


def assign(params: Params, frames: Array) -> Array:
    """The share of each frame that goes to each cluster: softmax_k(w_k x_t + b_k).

    Args:
      frames: [..., H], finite.

    Returns:
      [..., K], summing to 1 over K.
    """
    # Not jax.nn.softmax: how its quotient is rounded differs between programs.
    return jnp.exp(jax.nn.log_softmax(frames @ params.w.T + params.b))


def netvlad(*, clusters: int = 4) -> Aggregator:
    """Eq. (1) of Huang et al. 2020, after Arandjelovic et al. 2016:

        V(k, j) = sum_t softmax_k(w_k x_t + b_k) (x_t(j) - c_k(j))

    then intra-normalization (each cluster's row to length 1) and the whole to length 1.

    Args:
      clusters: K, at least 1.
    """
    if type(clusters) is not int or clusters < 1:
        raise ValueError(f"clusters={clusters!r}: a whole number of at least 1")

    def init(key, dim):
        normal = jax.nn.initializers.normal(dim**-0.5)
        w, c = (normal(k, (clusters, dim)) for k in jax.random.split(key))
        return Params(w, jnp.zeros(clusters), c)

    def start(params, dim):
        return jnp.zeros((clusters, dim)), jnp.zeros(clusters)

    def update(params, state, frames, mask):
        frames = masking.clean(frames, mask)
        assignment = masking.clean(assign(params, frames), mask)
        # The sum of the residuals is kept as its two parts, x and the weight of c.
        total, weight = state
        return total + assignment.T @ frames, weight + assignment.sum(axis=0)

    def finish(params, state):
        total, weight = state
        vlad = masking.l2_normalize(total - weight[:, None] * params.c)
        return masking.l2_normalize(vlad.ravel())

    return streaming(init, start, update, finish)
