"""Stochastic gradient descent."""

import optax

from vladser.contracts import Optimizer
from vladser.options import Fraction, Positive


def sgd(*, learning_rate: Positive = 0.01, momentum: Fraction = 0.0) -> Optimizer:
    """Descends along a decaying sum of gradients.

    Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning", equations (1) and (2).

    Args:
      learning_rate: factor of each update.
      momentum: decay of the sum; 0 is plain gradient descent.
    """
    return Optimizer(*optax.sgd(learning_rate, momentum=momentum))
