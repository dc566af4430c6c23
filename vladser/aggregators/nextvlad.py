"""NeXtVLAD: NetVLAD of short pieces of a widened frame, of which some count more."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.aggregators import netvlad
from vladser.aggregators.stepwise import divide, stepwise
from vladser.options import Count
from vladser.types import Aggregator, Array


class Params(NamedTuple):
    """E = expansion H; a piece has d = E / G numbers."""

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
    """Lin, Xiao, Fan 2018, section 3.2. A frame x_t is widened to y_t = x_t A + a of E
    numbers, which is cut into G pieces y_t1, ..., y_tG:

        V(k, j) = sum_{t, g} s_g(y_t) a_gk(y_t) (y_tg(j) - c_k(j))
        s_g(y) = sigmoid(w_g y + b_g),  a_gk(y) = softmax_k(w_gk y + b_gk)

    normalized as NetVLAD is. The paper has batch normalization where the vector's
    length is made 1 here: it would make an utterance's vector depend on others.

    Args:
      clusters: K. 16 of the short pieces make a vector as long as NetVLAD's 4.
      groups: G, which divides E; as in the paper.
      expansion: lambda, how many times as wide as the frame; as in the paper.
    """

    def init(key, dim):
        wide = expansion * dim
        piece = divide(wide, groups=groups)
        keys = jax.random.split(key, 4)
        # Numbers as large as the frames', and centers beside them as NetVLAD's are:
        # centers that are far away would drown what the frames say.
        normal = jax.nn.initializers.normal(wide**-0.5)
        return Params(
            jax.nn.initializers.normal(dim**-0.5)(keys[0], (dim, wide)),
            jnp.zeros(wide),
            normal(keys[1], (groups, wide)),
            jnp.zeros(groups),
            normal(keys[2], (groups, clusters, wide)),
            jnp.zeros((groups, clusters)),
            normal(keys[3], (clusters, piece)),
        )

    def start(params, dim):
        return netvlad.start(clusters, params.c.shape[1])

    def update(params, sums, frames, mask):
        wide = masking.clean(frames, mask) @ params.expand + params.expand_bias
        attention = jax.nn.sigmoid(wide @ params.attention.T + params.attention_bias)
        scores = jnp.einsum("te,gke->tgk", wide, params.w) + params.b
        assignment = jnp.exp(jax.nn.log_softmax(scores)) * attention[..., None]
        assignment = masking.clean(assignment, mask[:, None])
        pieces = frames.shape[0] * groups
        return netvlad.add(
            sums,
            assignment.reshape(pieces, clusters),
            wide.reshape(pieces, params.c.shape[1]),
        )

    def finish(params, sums):
        return netvlad.finish(sums, params.c)

    return stepwise(init, start, update, finish)
