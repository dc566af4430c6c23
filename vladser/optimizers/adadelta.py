"""Adadelta."""

import optax

from vladser.contracts import Optimizer
from vladser.options import Fraction, Positive

EPSILON = 1e-6  # of Zeiler 2012, section 4.1


def adadelta(*, learning_rate: Positive = 1.0, rho: Fraction = 0.95) -> Optimizer:
    """Scales updates by the ratio of past updates to past gradients.

    Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1.

    Args:
      learning_rate: factor of each update; 1 in the paper.
      rho: decay of the averages of squared gradients and squared updates.
    """
    return Optimizer(*optax.adadelta(learning_rate, rho=rho, eps=EPSILON))
