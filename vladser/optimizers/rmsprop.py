"""RMSProp."""

import optax

from vladser.contracts import Optimizer
from vladser.options import Fraction, Positive


def rmsprop(*, learning_rate: Positive = 1e-3, decay: Fraction = 0.9) -> Optimizer:
    """Divides gradients by the root of a running average of their squares.

    Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5.

    Args:
      learning_rate: factor of each update.
      decay: of the average.
    """
    return Optimizer(*optax.rmsprop(learning_rate, decay=decay))
