"""The cosine head: how far a vector goes into the direction of each class."""

import jax
import jax.numpy as jnp

from vladser import masking
from vladser.contracts import Head


def cosine() -> Head:
    """Maps vectors x to logits |x| cos(x, w_k), without a bias: the objective `angular`
    widens the angles between the directions w_k.

    The length of a vector is how certain it can be, so a pooling that normalizes its
    vectors, as those of the VLAD family do, cannot be certain of anything.

    Liu et al. 2017, "SphereFace: Deep Hypersphere Embedding for Face Recognition",
    equation (4).
    """

    def init(key, size, classes):
        return jax.nn.initializers.glorot_uniform()(key, (size, classes))

    def apply(kernel, vectors):
        return vectors @ jnp.transpose(masking.l2_normalize(jnp.transpose(kernel)))

    return Head(init, apply)
