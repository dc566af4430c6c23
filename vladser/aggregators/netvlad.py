"""NetVLAD: where the frames lie around a few learned cluster centers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators.stepwise import stepwise
from vladser.options import Count
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


class Sums(NamedTuple):
    """The sum of the residuals as its two parts: of x, and the weight of c."""

    frames: Array  # [K, H]
    weight: Array  # [K]


def start(clusters: int, dim: int) -> Sums:
    """Those of no frame."""
    return Sums(jnp.zeros((clusters, dim)), jnp.zeros(clusters))


def add(sums: Sums, assignment: Array, frames: Array) -> Sums:
    """With those of frames [T, H] more, of which [T, K] goes to the clusters."""
    return Sums(
        sums.frames + assignment.T @ frames, sums.weight + assignment.sum(axis=0)
    )


def finish(sums: Sums, centers: Array) -> Array:
    """The residuals from the centers [K, H], intra-normalized (each cluster's row to
    length 1), and the whole [K H] to length 1."""
    vlad = masking.l2_normalize(sums.frames - sums.weight[:, None] * centers)
    return masking.l2_normalize(vlad.ravel())


def netvlad(*, clusters: Count = 4) -> Aggregator:
    """Eq. (1) of Huang et al. 2020, after Arandjelovic et al. 2016:

        V(k, j) = sum_t softmax_k(w_k x_t + b_k) (x_t(j) - c_k(j))

    then intra-normalization (each cluster's row to length 1) and the whole to length 1.

    Args:
      clusters: K, at least 1.
    """

    def init(key, dim):
        normal = jax.nn.initializers.normal(dim**-0.5)
        w, c = (normal(k, (clusters, dim)) for k in jax.random.split(key))
        return Params(w, jnp.zeros(clusters), c)

    def update(params, sums, frames, mask):
        frames = masking.clean(frames, mask)
        return add(sums, masking.clean(assign(params, frames), mask), frames)

    return stepwise(
        init,
        lambda params, dim: start(clusters, dim),
        update,
        lambda params, sums: finish(sums, params.c),
    )
