"""Modules of flax.linen as aggregators."""

from typing import Any

import jax.numpy as jnp
from flax import linen

from vladser import masking
from vladser.contracts import Aggregator


def from_linen(module: linen.Module) -> Aggregator:
    """Makes an aggregator of a module. It cannot stream: a module sees all frames.

    Args:
      module: called as module(frames [T, H], mask [T]) -> vector [V]. Frames are zeros
        where the mask is False. The module never sees an empty mask: without a frame
        the vector is zeros.

    Returns:
      An aggregator. Its `init` raises a ValueError if the module has other variables
      than parameters, such as the averages of batch normalization.
    """

    def init(key, dim):
        variables = module.init(key, jnp.zeros((1, dim)), jnp.ones(1, bool))
        if others := sorted(variables.keys() - {"params"}):
            raise ValueError(
                f"{type(module).__name__}: expected parameters alone, got "
                f"{', '.join(others)}"
            )
        return variables.get("params", {})

    def apply(params, frames, mask):
        some = mask.any()
        frames = masking.clean(frames, mask)
        vector: Any = module.apply({"params": params}, frames, mask | ~some)
        return jnp.where(some, vector, 0)

    return Aggregator(init, apply)
