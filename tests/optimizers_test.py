"""Adadelta against its paper's recurrence in numpy, the others against optax's own."""

import jax
import numpy as np
import optax
import oracles
import pytest
from closeness import assert_equal, assert_same

from vladser.registry import optimizers

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

START = np.random.default_rng(0).normal(size=(3, 2))
GRADIENTS = np.random.default_rng(1).normal(size=(5, 3, 2))


def _updates(optimizer):
    def step(state, gradient):
        return optimizer.update(gradient, state, START)[::-1]

    return jax.jit(lambda state: jax.lax.scan(step, state, GRADIENTS)[1])(
        optimizer.init(START)
    )


@pytest.mark.parametrize(
    ("text", "rho", "rate"),
    [("adadelta", 0.95, 1.0), ("adadelta(learning_rate=0.5,rho=0.8)", 0.8, 0.5)],
)
def test_adadelta_follows_zeilers_recurrence(text, rho, rate):
    updates = _updates(optimizers.build(optimizers.parse(text)))
    expected = np.array(oracles.adadelta(START, GRADIENTS, rho, 1e-6, rate)) - START
    assert_same(np.cumsum(updates, axis=0), expected, 100 * len(GRADIENTS))


@pytest.mark.parametrize(
    ("text", "optimizer"),
    [
        ("adam(learning_rate=0.1,b1=0.5,b2=0.8)", optax.adam(0.1, b1=0.5, b2=0.8)),
        ("rmsprop(learning_rate=0.1,decay=0.5)", optax.rmsprop(0.1, decay=0.5)),
        (
            "rmsprop(learning_rate=0.1,decay=0.5,clip=0.7)",
            optax.chain(optax.clip(0.7), optax.rmsprop(0.1, decay=0.5)),
        ),
        ("sgd(learning_rate=0.1,momentum=0.9)", optax.sgd(0.1, momentum=0.9)),
    ],
)
def test_options_are_those_of_optax(text, optimizer):
    updates = _updates(optimizers.build(optimizers.parse(text)))
    assert_equal(updates, _updates(optimizer))
