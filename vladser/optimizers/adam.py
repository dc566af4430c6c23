"""Adam."""

import optax

from vladser.contracts import Optimizer
from vladser.options import Fraction, Positive


def adam(
    *, learning_rate: Positive = 1e-3, b1: Fraction = 0.9, b2: Fraction = 0.999
) -> Optimizer:
    """Scales updates by estimates of the gradient's first and second moments.

    Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.

    Args:
      learning_rate: factor of each update, alpha in the paper.
      b1, b2: decays of the averages of gradients and of squared gradients.
    """
    return Optimizer(*optax.adam(learning_rate, b1=b1, b2=b2))
