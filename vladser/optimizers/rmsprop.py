"""RMSProp."""

import jax.numpy as jnp
import optax

from vladser.contracts import Optimizer
from vladser.options import Fraction, NonNegative, Positive


def rmsprop(
    *, learning_rate: Positive = 1e-3, decay: Fraction = 0.9, clip: NonNegative = 0.0
) -> Optimizer:
    """Divides gradients by the root of a running average of their squares.

    Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5.

    Args:
      learning_rate: factor of each update.
      decay: of the average.
      clip: the largest number in a gradient, either way; 0 for any.
    """
    bound = jnp.where(jnp.asarray(clip) > 0, clip, jnp.inf)
    scale = optax.rmsprop(learning_rate, decay=decay)
    return Optimizer(*optax.chain(optax.clip(bound), scale))
