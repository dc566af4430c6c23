"""Stochastic gradient descent."""

import optax

from vladser.options import Fraction, Positive
from vladser.types import Optimizer


def sgd(*, learning_rate: Positive = 0.01, momentum: Fraction = 0.0) -> Optimizer:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013, equation (1)).

    Args:
      learning_rate: a factor of each step.
      momentum: the decay of the sum of past gradients; 0 is plain descent.
    """
    return Optimizer(*optax.sgd(learning_rate, momentum=momentum))
