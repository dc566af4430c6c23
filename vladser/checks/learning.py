"""The contracts of what only training uses: objective, optimizer."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vladser.checks import rules
from vladser.checks.rules import COMPILES, expect, expect_finite, expect_same, row, rule


def check_objective(factory: Callable, **options: Any) -> None:
    """Checks `contracts.Objective`, as the factory makes it by default and with
    `options`, which have other values than the defaults."""
    size, classes, draw = 6, 3, np.random.default_rng(0)
    default, other = factory(), factory(**options)
    params = rules.parameters(default, size, classes)
    labels = np.repeat([0, 1, 2], [6, 3, 1])
    with rule("prepare makes numpy arrays of finite numbers, alike in shape"):
        data = [
            objective.prepare(training_set, classes)
            for objective in (default, other)
            for training_set in (labels, labels[:9])  # the second lacks a class
        ]
        for leaf in jax.tree.leaves(data):
            expect(isinstance(leaf, np.ndarray | np.generic), f"got {leaf!r:.60}")
        expect_finite(data)
        chex.assert_trees_all_equal_shapes_and_dtypes(*data)
        data = jax.tree.map(lambda *leaves: np.stack(leaves), *data)

    vectors = draw.normal(size=(4, len(labels), size))
    logits = draw.normal(size=(4, len(labels), classes))
    logits[:, :2] = 1e4 * np.eye(classes)[:2]  # certain of the right and a wrong class

    def losses_of(objective):
        def losses(params, inputs, data, labels):
            levels = jnp.maximum(jnp.stack([labels - 1, labels], axis=1), -1)
            views = [levels] if objective.views else []
            return objective.loss(params, data, *inputs, labels, *views)

        return losses

    with rule(f"loss {COMPILES}"):
        arguments = (vectors, logits), data, np.stack([labels] * 4)
        whole, by_other = (
            rules.differentiate(losses_of(objective))(params, *arguments)
            for objective in (default, other)
        )
        few = vectors[0, 2:5], logits[0, 2:5]
        part = jax.jit(losses_of(default))(params, few, row(data, 0), labels[2:5])
    with rule("loss returns one number an utterance, [B]"):
        chex.assert_shape(whole[0], (4, len(labels)))
    with rule("losses and gradients are finite"):
        expect_finite((whole, by_other))
    with rule("loss sees the options in its data alone"):
        expect_same(by_other, whole)
    if default.coupled:
        _check_empty_rows(losses_of(default), params, arguments)
        return
    with rule("no loss depends on another utterance"):
        expect_same(part, whole[0][0, 2:5])


def _check_empty_rows(losses, params, arguments):
    """Puts other numbers into rows whose label is -1."""
    inputs, data, labels = arguments
    labels = np.where(empty := np.arange(labels.shape[1]) % 3 == 1, -1, labels)
    run = rules.differentiate(losses, lambda made, *_: made[~empty])

    def filled(number):
        changed = [np.where(empty[:, None], number, x) for x in inputs]
        return run(params, tuple(changed), data, labels)

    made, changed = filled(0.0), filled(3.0)
    with rule("rows of label -1 reach neither other losses nor a gradient"):
        expect_same(made[0][:, ~empty], changed[0][:, ~empty])
        expect_same(made[1], changed[1])
        expect_finite(made)


def check_optimizer(factory: Callable, **options: float) -> None:
    """Checks `contracts.Optimizer`, as the factory makes it by default and with
    `options`, which have other values than the defaults."""
    draw = np.random.default_rng(0)
    params = {"kernel": draw.normal(size=(3, 2)), "bias": np.float64(0.5)}
    gradients = jax.tree.map(lambda leaf: draw.normal(size=(4, *leaf.shape)), params)
    gradients["kernel"][:, :, 0] = 0
    signature = inspect.signature(factory).parameters
    defaults = {name: option.default for name, option in signature.items()}
    settings = defaults, defaults | options

    init = factory().init  # the same for all options

    def step(options, params, state, gradient):
        update, state = factory(**options).update(gradient, state, params)
        return state, update

    def updates_by(options):
        return lax.scan(partial(step, options, params), init(params), gradients)[1]

    def state_after(*arguments):
        return step(options, *arguments)[0]

    rules.expect_state(init, state_after, params, row(gradients, 0))
    with rule("update compiles with options that jax traces, and is vmapped over them"):
        stacked = jax.tree.map(lambda *values: np.array(values, float), *settings)
        traced = jax.jit(jax.vmap(updates_by, axis_size=2))(stacked)
    with rule("updates are finite, that of a zero gradient too"):
        expect_finite(traced)
    with rule("updates equal those of options that are not traced"):
        for place, numbers in enumerate(settings):
            expected = jax.jit(lambda numbers=numbers: updates_by(numbers))()
            expect_same(row(traced, place), expected)
    with rule("the first update goes against the gradient"):
        product = jax.tree.map(lambda u, g: (u[0, 0] * g[0]).sum(), traced, gradients)
        expect(sum(jax.tree.leaves(product)) < 0, "got one along it")
