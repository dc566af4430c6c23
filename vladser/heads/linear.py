"""The linear head: one matrix product."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser.types import Array, Head


class Params(NamedTuple):
    kernel: Array  # [V, classes]
    bias: Array  # [classes]


def init(key: Array, size: int, outputs: int) -> Params:
    """Draws initial weights: Glorot uniform, and a bias of zeros."""
    glorot = jax.nn.initializers.glorot_uniform()
    kernel = glorot(key, (size, outputs))  # type: ignore[arg-type]  # a jax array
    return Params(kernel, jnp.zeros(outputs))


def apply(params: Params, vectors: Array) -> Array:
    """Maps vectors [..., V] to logits [..., classes]."""
    return vectors @ params.kernel + params.bias


def linear() -> Head:
    """The softmax classifier of Huang et al. 2020, section 2."""
    return Head(init, apply)
