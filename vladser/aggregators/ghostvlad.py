"""GhostVLAD: NetVLAD with clusters that only draw frames away from the others."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import netvlad
from vladser.aggregators.stepwise import stepwise
from vladser.options import Count
from vladser.types import Aggregator, Array


class Params(NamedTuple):
    w: Array  # [K + G, H]
    b: Array  # [K + G]
    c: Array  # [K, H] the centers of the clusters that are not ghosts


def ghostvlad(*, clusters: Count = 4, ghosts: Count = 1) -> Aggregator:
    """Returns residuals around K of K + G clusters, normalized as NetVLAD's.

        V(k, j) = sum_t a_k(x_t) (x_t(j) - c_k(j)),  k = 1..K
        a_k(x) = exp(w_k x + b_k) / sum_{i = 1..K + G} exp(w_i x + b_i)

    Frames that carry little information, such as silence, may be assigned to the G
    ghosts, which are left out of the vector, V = K H.

    Zhong, Arandjelovic, Zisserman 2018, "GhostVLAD for set-based face recognition",
    section 3.2.

    Args:
      clusters: K, by default NetVLAD's.
      ghosts: G; 1 in the paper.
    """

    def init(key, dim):
        normal = jax.nn.initializers.normal(dim**-0.5)
        w_key, c_key = jax.random.split(key)
        w = normal(w_key, (clusters + ghosts, dim))
        return Params(w, jnp.zeros(clusters + ghosts), normal(c_key, (clusters, dim)))

    def update(params, sums, frames, mask):
        frames = masking.clean(frames, mask)
        assignment = netvlad.assign(params, frames)[:, :clusters]
        return netvlad.add(sums, masking.clean(assignment, mask), frames)

    return stepwise(
        init,
        lambda params, dim: netvlad.start(clusters, dim),
        update,
        lambda params, sums: netvlad.finish(sums, params.c),
    )
