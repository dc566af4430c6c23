"""The linear head: one matrix product."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vladser.contracts import Head
from vladser.types import Array


class Params(NamedTuple):
    kernel: Array  # [V, classes]
    bias: Array  # [classes]


def init(key: Array, size: int, outputs: int) -> Params:
    """Draws a Glorot uniform kernel [size, outputs]; the bias is zeros."""
    glorot = jax.nn.initializers.glorot_uniform()
    kernel = glorot(key, (size, outputs))  # type: ignore[arg-type]  # a jax array
    return Params(kernel, jnp.zeros(outputs))


def apply(params: Params, vectors: Array) -> Array:
    """Maps vectors [..., V] to logits [..., classes]."""
    return vectors @ params.kernel + params.bias


def linear() -> Head:
    """Maps vectors to logits by one matrix product and a bias.

    Huang, Tao, Liu, Lian 2020, "Learning utterance-level representations with label
    smoothing for speech emotion recognition", section 2.
    """
    return Head(init, apply)
