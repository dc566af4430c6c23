"""The kernels of the LSTM do what its scan does, here as jax interprets them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_same
from jax.extend.core import jaxprs_in_params

from vladser.encoders import lstm
from vladser.kernels import lstm as loops
from vladser.kernels import lstm_scan, lstm_triton
from vladser.kernels.lstm_scan import Carry, Residuals

FUSED = {"triton": lstm_triton}


def _arguments(trials, frames, batch, cells):
    """Of both loops: random, and masks with holes."""
    draw = np.random.default_rng(0)

    def normal(*shape):
        return draw.normal(0, 0.5, (*trials, *shape)).astype(np.float32)

    mask = draw.random((*trials, frames, batch)) < 0.7
    kernel, state = normal(cells, 4 * cells), partial(normal, batch, cells)
    carry, carry_bar = Carry(state(), state()), Carry(state(), state())
    forward = normal(frames, batch, 4 * cells), mask, kernel, carry
    return forward, (normal(frames, batch, cells), carry_bar, mask, kernel, carry)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", FUSED.values(), ids=FUSED)
@pytest.mark.parametrize(
    ("trials", "frames", "batch", "cells"),
    [
        ((3,), 5, 32, 64),  # weights that stay in registers
        ((), 1, 8, 32),
        ((2, 1), 3, 20, 48),  # narrow parts, rows that fill no block of threads
        ((), 2, 16, 128),  # parts
    ],
)
def test_a_kernel_is_the_scan(kernels, trials, frames, batch, cells):
    of_forward, of_backward = _arguments(trials, frames, batch, cells)

    def over_trials(function):
        for _ in trials:
            function = jax.vmap(function)
        return jax.jit(function)

    def live(saved):
        return saved._replace(gates=saved.gates * of_forward[1][..., None])

    expected = over_trials(lstm_scan.forward)(*of_forward)
    found = over_trials(partial(kernels.forward, interpret=True))(*of_forward)
    terms = frames * (cells + 8)
    for one, other in zip(live(found), live(expected), strict=True):
        assert_same(one, other, terms)
    expected_bar = over_trials(lstm_scan.backward)(*of_backward, expected)
    backward = partial(kernels.backward, interpret=True)
    found_bar = over_trials(backward)(*of_backward, expected)
    for one, other in zip(
        *map(jax.tree.leaves, (found_bar, expected_bar)), strict=True
    ):
        assert_same(one, other, 4 * terms)


def _primitives(jaxpr):
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inside in jaxprs_in_params(equation.params):
            yield from _primitives(inside)


@pytest.mark.parametrize(
    ("kernel", "platform", "cells", "fused"),
    [
        ("scan", "gpu", 64, False),
        ("auto", "gpu", 64, True),
        ("fused", "gpu", 64, True),
        ("auto", "gpu", 256, False),  # it was slower there
        ("fused", "gpu", 256, True),
        ("scan", "tpu", 64, False),
        ("auto", "tpu", 64, False),  # none has timed it
        ("fused", "tpu", 64, True),
        ("fused", "gpu", 20, False),  # no multiple of 16
        ("fused", "gpu", 512, False),
        ("auto", "cpu", 64, False),
        ("fused", "cpu", 64, False),
        ("fused", "any", 64, False),  # of exported programs
    ],
)
def test_loss_and_gradient_have_a_kernel_where_there_is_one(
    kernel, platform, cells, fused
):
    def loss(params, frames):
        mask = jnp.ones(frames.shape[:2], bool)
        return lstm.unroll(params, lstm.start(params, 8), frames, mask)[0].sum()

    params = jax.eval_shape(lambda: lstm.init(jax.random.key(0), 3, cells))
    frames = jax.ShapeDtypeStruct((4, 8, 3), np.float32)
    with loops.chosen(kernel, platform):
        jaxpr = jax.make_jaxpr(jax.grad(loss))(params, frames)
    assert [*_primitives(jaxpr.jaxpr)].count("pallas_call") == 2 * fused


def test_float64_is_for_the_scan():
    shape = jax.ShapeDtypeStruct((4, 8, 256), np.float64)
    assert not lstm_triton.takes(shape)
    assert lstm_triton.takes(jax.ShapeDtypeStruct((4, 8, 256), np.float32))


def test_what_is_saved_has_the_same_layout_for_all():
    of_forward, _ = _arguments((), 2, 16, 32)
    scan = jax.eval_shape(lstm_scan.forward, *of_forward)
    assert isinstance(scan, Residuals)
    for kernels in FUSED.values():
        assert jax.eval_shape(kernels.forward, *of_forward) == scan
