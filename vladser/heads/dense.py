"""The dense head: hidden layers before the linear one."""

import jax

from vladser.contracts import Head
from vladser.heads import linear
from vladser.options import Count


def dense(*, units: Count = 64, layers: Count = 1) -> Head:
    """Maps vectors to logits by hidden layers of rectified linear units.

    Args:
      units: of each hidden layer.
      layers: how many hidden layers come before the linear one.
    """

    def init(key, size, classes):
        sizes = (size, *[units] * layers, classes)
        keys = jax.random.split(key, layers + 1)
        return [linear.init(k, *sizes[n : n + 2]) for n, k in enumerate(keys)]

    def apply(params, vectors):
        *hidden, last = params
        for layer in hidden:
            vectors = jax.nn.relu(linear.apply(layer, vectors))
        return linear.apply(last, vectors)

    return Head(init, apply)
