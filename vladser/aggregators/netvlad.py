"""NetVLAD: sums of the frames' residuals from learned cluster centers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators.stepwise import stepwise
from vladser.contracts import Aggregator
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    """Of K clusters; GhostVLAD's have rows for ghosts in w and b, which c has not."""

    w: Array  # [K, H]
    b: Array  # [K]
    c: Array  # [K, H] the cluster centers


class Sums(NamedTuple):
    """The two terms of the summed residuals sum_t a_k(x_t) (x_t - c_k)."""

    frames: Array  # [K, H] sum_t a_k(x_t) x_t
    weight: Array  # [K] sum_t a_k(x_t)


def netvlad(*, clusters: Count = 4) -> Aggregator:
    """Returns the residuals of the frames from K centers, weighted by soft assignment.

        V(k, j) = sum_t softmax_k(w_k x_t + b_k) (x_t(j) - c_k(j))

    Each cluster's residual is normalized to length 1 (intra-normalization), then the
    whole vector, V = K H; zeros without a frame.

    Huang et al. 2020, equation (1), after Arandjelovic et al. 2016, "NetVLAD: CNN
    architecture for weakly supervised place recognition".

    Args:
      clusters: K.
    """
    return with_ghosts(clusters, ghosts=0)


def with_ghosts(clusters: int, ghosts: int) -> Aggregator:
    """Returns NetVLAD with `ghosts` more clusters, which the vector leaves out."""

    def init(key, dim):
        normal = jax.nn.initializers.normal(dim**-0.5)
        w_key, c_key = jax.random.split(key)
        w = normal(w_key, (clusters + ghosts, dim))
        return Params(w, jnp.zeros(len(w)), normal(c_key, (clusters, dim)))

    def update(params, sums, frames, mask):
        assignment = assign(params, frames)[:, :clusters]
        return add(sums, masking.clean(assignment, mask), frames)

    return stepwise(init, lambda params, dim: start(clusters, dim), update, finish)


def assign(params: Params, frames: Array) -> Array:
    """Assigns finite frames [..., H]: softmax_k(w_k x_t + b_k), [..., K]."""
    # Not jax.nn.softmax: the rounding of its quotient differs between programs.
    return jnp.exp(jax.nn.log_softmax(frames @ params.w.T + params.b))


def start(clusters: int, dim: int) -> Sums:
    """Returns the sums before the first frame."""
    return Sums(jnp.zeros((clusters, dim)), jnp.zeros(clusters))


def add(sums: Sums, assignment: Array, frames: Array) -> Sums:
    """Adds finite frames [T, H] to the sums; their assignment [T, K] to the clusters is
    zeros for padding."""
    total = sums.frames + assignment.T @ frames
    return Sums(total, sums.weight + assignment.sum(axis=0))


def finish(params, sums: Sums) -> Array:
    """Normalizes each cluster's residual from its center `params.c` to length 1, then
    the whole: [K H], zeros without a frame."""
    vlad = masking.l2_normalize(sums.frames - sums.weight[:, None] * params.c)
    return masking.l2_normalize(vlad.ravel())
