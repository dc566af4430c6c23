"""Scans over blocks of time: a small recurrence against autodiff of a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_same

from vladser.engine import timeblocks

pytestmark = pytest.mark.numeric

CAPACITY = 4
INPUTS = np.random.default_rng(0).normal(size=(CAPACITY, 3))


def _scan(inputs):
    def block(w, carry, index, residuals):
        carry = jnp.tanh(w * carry + residuals * inputs[index])
        return carry, carry * w

    return timeblocks.Scan(
        start=lambda w: w**2,
        residuals=lambda w, carry, index: jnp.cos(index),  # it is not differentiated
        block=block,
        finish=lambda w, carry, outs: jnp.sum(w * carry) + jnp.sum(jnp.sin(outs)),
    )


def _plainly(w, count):
    carry, outs = w**2, []
    for index in range(count):
        carry = jnp.tanh(w * carry + np.cos(index) * INPUTS[index])
        outs.append(carry * w)
    return jnp.sum(w * carry) + sum(jnp.sum(jnp.sin(out)) for out in outs)


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 3, CAPACITY])
def test_value_and_gradient_are_those_of_a_plain_loop(count, float64):
    w, scan = np.array([0.5, -1.2, 2.0]), _scan(jnp.asarray(INPUTS))
    space = timeblocks.empty_workspace(*scan[:2], w, CAPACITY)
    both = jax.jit(
        lambda n: timeblocks.value_and_gradient(scan, w, n, CAPACITY, space)[:2]
    )
    expected = jax.jit(jax.value_and_grad(_plainly), static_argnums=1)(w, count)
    assert_same(both(count), expected, 3 * CAPACITY)
    value = jax.jit(lambda n: timeblocks.value(scan, w, n, CAPACITY))(count)
    assert_same(value, expected[0], 3 * CAPACITY)


def test_blocks_are_of_16_frames_and_trials_at_once_have_those_of_the_longest():
    frames = np.array([0, 1, 16, 17, 32, 100])
    assert timeblocks.blocks(frames).tolist() == [0, 1, 1, 2, 2, 7]
    count = jax.vmap(jax.vmap(timeblocks.count))
    assert (count(frames.reshape(2, 3)) == 7).all()
