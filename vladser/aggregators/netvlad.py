"""NetVLAD: sums of the frames' residuals from learned cluster centers."""

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
    """Assigns frames to clusters: softmax_k(w_k x_t + b_k).

    Args:
      frames: [..., H], finite.

    Returns:
      The share of each cluster in each frame, [..., K]; sums to 1 over K.
    """
    # Not jax.nn.softmax: the rounding of its quotient differs between programs.
    return jnp.exp(jax.nn.log_softmax(frames @ params.w.T + params.b))


class Sums(NamedTuple):
    """The two terms of the summed residuals sum_t a_k(x_t) (x_t - c_k)."""

    frames: Array  # [K, H] sum_t a_k(x_t) x_t
    weight: Array  # [K] sum_t a_k(x_t)


def start(clusters: int, dim: int) -> Sums:
    """Returns the sums before the first frame."""
    return Sums(jnp.zeros((clusters, dim)), jnp.zeros(clusters))


def add(sums: Sums, assignment: Array, frames: Array) -> Sums:
    """Adds frames to the sums.

    Args:
      sums: of the frames before.
      assignment: [T, K] the share of each cluster; zeros for padding.
      frames: [T, H], finite.
    """
    return Sums(
        sums.frames + assignment.T @ frames, sums.weight + assignment.sum(axis=0)
    )


def finish(sums: Sums, centers: Array) -> Array:
    """Normalizes the residuals: each cluster's to length 1, then the whole.

    Args:
      sums: of all frames.
      centers: [K, H].

    Returns:
      [K H]; zeros without a frame.
    """
    vlad = masking.l2_normalize(sums.frames - sums.weight[:, None] * centers)
    return masking.l2_normalize(vlad.ravel())


def netvlad(*, clusters: Count = 4) -> Aggregator:
    """Returns the residuals of the frames from K centers, weighted by soft assignment.

        V(k, j) = sum_t softmax_k(w_k x_t + b_k) (x_t(j) - c_k(j))

    Each cluster's residual is normalized to length 1 (intra-normalization), then the
    whole vector, V = K H; zeros without a frame.

    Huang, Tao, Liu, Lian 2020, "Learning utterance-level representations with label
    smoothing for speech emotion recognition", equation (1), after Arandjelovic et al.
    2016, "NetVLAD: CNN architecture for weakly supervised place recognition".

    Args:
      clusters: K.
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
