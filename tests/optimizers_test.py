"""The optimizers against their papers' recurrences in numpy."""

import jax
import numpy as np
import oracles
import pytest
from closeness import assert_same

from vladser.registry import optimizers

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

STEPS = 5
START = np.random.default_rng(0).normal(size=(3, 2))
GRADIENTS = np.random.default_rng(1).normal(size=(STEPS, 3, 2))

RECURRENCES = {
    "adadelta": (oracles.adadelta, 0.95, 1e-6, 1.0),
    "adadelta(learning_rate=0.5,rho=0.8)": (oracles.adadelta, 0.8, 1e-6, 0.5),
    "adam": (oracles.adam, 1e-3, 0.9, 0.999),
    "adam(learning_rate=0.1,b1=0.5,b2=0.8)": (oracles.adam, 0.1, 0.5, 0.8),
    "rmsprop": (oracles.rmsprop, 1e-3, 0.9),
    "rmsprop(learning_rate=0.1,decay=0.5)": (oracles.rmsprop, 0.1, 0.5),
    "sgd": (oracles.momentum, 0.01, 0),
    "sgd(learning_rate=0.1,momentum=0.9)": (oracles.momentum, 0.1, 0.9),
}


@pytest.mark.parametrize("text", RECURRENCES)
def test_parameters_follow_the_recurrence(text):
    optimizer = optimizers.build(optimizers.parse(text))

    @jax.jit
    def updates(gradients):
        def step(state, gradient):
            return optimizer.update(gradient, state, START)[::-1]

        return jax.lax.scan(step, optimizer.init(START), gradients)[1]

    oracle, *options = RECURRENCES[text]
    expected = np.array([*oracle(START, GRADIENTS, *options)]) - START
    assert_same(np.cumsum(updates(GRADIENTS), axis=0), expected, 100 * STEPS)
