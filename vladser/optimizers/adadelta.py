"""Adadelta."""

import optax

from vladser.options import Fraction, Positive
from vladser.types import Optimizer

EPSILON = 1e-6  # Zeiler 2012, section 4.1


def adadelta(*, learning_rate: Positive = 1.0, rho: Fraction = 0.95) -> Optimizer:
    """Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1.

    Args:
      learning_rate: a factor of each step; 1 is the paper's method, whose steps have
        the parameters' own scale.
      rho: the decay of the averages of squared gradients and squared updates.
    """
    return Optimizer(*optax.adadelta(learning_rate, rho=rho, eps=EPSILON))
