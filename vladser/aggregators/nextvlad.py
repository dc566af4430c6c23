"""NeXtVLAD: NetVLAD of groups of an expanded frame, weighted by attention."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import netvlad
from vladser.aggregators.stepwise import divide, stepwise
from vladser.contracts import Aggregator
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    """E = expansion H; a group has d = E / G numbers."""

    expand: Array  # [H, E]
    expand_bias: Array  # [E]
    attention: Array  # [G, E]
    attention_bias: Array  # [G]
    w: Array  # [G, K, E]
    b: Array  # [G, K]
    c: Array  # [K, d] the cluster centers, which the groups share


def nextvlad(
    *, clusters: Count = 16, groups: Count = 8, expansion: Count = 2
) -> Aggregator:
    """Returns residuals of groups of the expanded frames, normalized as NetVLAD's.

    A frame x_t is expanded to y_t = x_t A + a of E numbers, which is cut into G groups
    y_t1, ..., y_tG of d = E / G numbers:

        V(k, j) = sum_{t, g} s_g(y_t) a_gk(y_t) (y_tg(j) - c_k(j))
        s_g(y) = sigmoid(w_g y + b_g),  a_gk(y) = softmax_k(w_gk y + b_gk)

    and V = K d. Where the paper has batch normalization, the vector is normalized to
    length 1: with batch normalization it would depend on other utterances.

    Lin, Xiao, Fan 2018, "NeXtVLAD: an efficient neural network to aggregate frame-level
    features for large-scale video classification", section 3.2.

    Args:
      clusters: K; at the defaults the vector is as long as NetVLAD's with 4 clusters.
      groups: G, a divisor of E; 8 in the paper.
      expansion: lambda = E / H; 2 in the paper.
    """

    def init(key, dim):
        wide = expansion * dim
        group = divide(wide, "groups", groups)
        keys = jax.random.split(key, 4)
        # Keeps expanded frames as large as the frames, and centers near them, as
        # NetVLAD's are: distant centers would dominate the residuals.
        normal = jax.nn.initializers.normal(wide**-0.5)
        return Params(
            jax.nn.initializers.normal(dim**-0.5)(keys[0], (dim, wide)),
            jnp.zeros(wide),
            normal(keys[1], (groups, wide)),
            jnp.zeros(groups),
            normal(keys[2], (groups, clusters, wide)),
            jnp.zeros((groups, clusters)),
            normal(keys[3], (clusters, group)),
        )

    def start(params, dim):
        return netvlad.start(clusters, params.c.shape[1])

    def update(params, sums, frames, mask):
        wide = frames @ params.expand + params.expand_bias
        attention = jax.nn.sigmoid(wide @ params.attention.T + params.attention_bias)
        scores = jnp.einsum("te,gke->tgk", wide, params.w) + params.b
        assignment = jnp.exp(jax.nn.log_softmax(scores)) * attention[..., None]
        assignment = masking.clean(assignment, mask[:, None])
        rows = frames.shape[0] * groups
        assignment = assignment.reshape(rows, clusters)
        return netvlad.add(sums, assignment, wide.reshape(rows, params.c.shape[1]))

    return stepwise(init, start, update, netvlad.finish)
