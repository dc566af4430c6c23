"""RMSProp."""

import optax

from vladser.options import Fraction, Positive
from vladser.types import Optimizer


def rmsprop(*, learning_rate: Positive = 1e-3, decay: Fraction = 0.9) -> Optimizer:
    """Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5.

    Args:
      learning_rate: a factor of each step.
      decay: of the average of squared gradients.
    """
    return Optimizer(*optax.rmsprop(learning_rate, decay=decay))
