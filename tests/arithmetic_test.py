"""The operations of trainings, against closed forms and counts by hand."""

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from jax import lax

from vladser import model
from vladser.condition import make, specification
from vladser.data import folds
from vladser.engine import arithmetic
from vladser.engine.design import Design


def lstm(dim, cells):
    """Forward, gradient of the weights, gradient of the state before."""
    return 2 * 2 * (dim + cells) * 4 * cells + 2 * cells * 4 * cells


def vlad(cells, clusters):
    """Two products, and the gradient of each factor that is not given."""
    return 3 * 4 * cells * clusters


def dense(*sizes):
    """Forward and gradient of the weights; gradient of the inputs but for the first."""
    products = [2 * n * m for n, m in pairwise(sizes)]
    return 3 * sum(products) - products[0]


# A condition, its descriptors, and its cost a frame and a row: of a row, the gradient
# by the vector counts where something is learned before it.
COSTS = [
    ({"aggregator": "netvlad(clusters=4)"}, 147, lstm(147, 64) + vlad(64, 4), 6144),
    ({"aggregator": "mean"}, 147, lstm(147, 64), 3 * 2 * 64 * 4),
    ({"aggregator": "final", "cells": 8}, 5, lstm(5, 8), 3 * 2 * 8 * 4),
    (
        {"aggregator": "mean", "head": "dense(units=64,layers=1)"},
        147,
        lstm(147, 64),
        dense(64, 64, 4) + 2 * 64 * 64,
    ),
    (
        {"encoder": "none", "aggregator": "stack(frames=25)"}
        | {"head": "dense(units=256,layers=3)"},
        30,
        2 * 25 * 30,  # a frame is put to its place by a product
        dense(750, 256, 256, 256, 4),
    ),
    (
        {"encoder": "convolution(width=10,filters=200)"}
        | {"aggregator": "attentive_maximum(pool=30,stride=3)"},
        26,
        2 * 2 * 260 * 200 + 2 * 3 * 2 * 200 / 3,  # scores and sum of a third of them
        3 * 2 * 200 * 4,
    ),
    (
        {"encoder": "lstm(layers=2)", "cells": 256, "aggregator": "final"},
        40,
        # The gradient of what the second is given is that of the first's outputs.
        lstm(40, 256) + lstm(256, 256) + 2 * 256 * 1024,
        3 * 2 * 256 * 4,
    ),
    ({"encoder": "none", "aggregator": "mean"}, 9, 0, 2 * 2 * 9 * 4),
]


@pytest.mark.parametrize(("settings", "dim", "frame", "row"), COSTS)
def test_a_system_costs_what_its_closed_form_says(settings, dim, frame, row):
    cost = arithmetic.training(specification(make(**settings), dim, 4))
    assert cost == pytest.approx((frame, row))


def test_the_papers_system_costs_251_904_operations_a_frame():
    spec = specification(make(aggregator="netvlad(clusters=4)"), 147, 4)
    assert arithmetic.training(spec).frame == 251_904


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "dim", "expected"),
    [
        ({"aggregator": "netvlad(clusters=4)"}, 147, 0.108e6 + 1024),
        ({"encoder": "lstm(layers=2)", "cells": 256}, 40, 1.655e6),
    ],
)
def test_the_forward_pass_alone_is_counted_too(settings, dim, expected):
    spec = specification(make(**settings), dim, 4)
    params = model.init(jax.random.key(0), spec)

    def forward(params, frames, mask):
        return model.forward(params, spec, frames, mask)

    frames = [
        arithmetic.operations(forward, params, jnp.ones((n, 1, dim)), jnp.ones((n, 1)))
        for n in (10, 11)
    ]
    assert frames[1] - frames[0] == pytest.approx(expected, rel=0.01)


A, B = np.ones((5, 3, 4), np.float32), np.ones((5, 4, 7), np.float32)
KERNEL = np.ones((7, 3, 2), np.float32)
ONE = 2 * 3 * 4 * 7
# A function of A and B, and what it costs.
FUNCTIONS = {
    "a batch": (jnp.matmul, 5 * ONE),
    "a vmap": (jax.vmap(jnp.matmul), 5 * ONE),
    "a scan": (lambda a, b: lax.map(lambda x: x[0] @ x[1], (a, b)), 5 * ONE),
    "a program": (jax.jit(lambda a, b: a[0] @ b[0]), ONE),
    "a loop": (
        lambda a, b: lax.fori_loop(
            0, 9, lambda n, x: x + a[0] @ b[0], jnp.ones((3, 7))
        ),
        9 * ONE,
    ),
    "a choice": (
        lambda a, b: lax.cond(a.sum() > 0, lambda: a[0] @ b[0], lambda: b[0, :3]),
        ONE,
    ),
    # 3 of the 4 places have both frames of a kernel.
    "a convolution": (
        lambda a, b: lax.conv_general_dilated(a, KERNEL, (1,), "VALID"),
        5 * 3 * 2 * 7 * 3 * 2,
    ),
    "nothing that is used": (lambda a, b: (a @ b, a.sum())[1], 0),
    "both factors' gradients": (
        lambda a, b: jax.grad(lambda a, b: jnp.sum((a @ b) ** 2), (0, 1))(a, b),
        3 * 5 * ONE,
    ),
    "one factor's gradient": (
        lambda a, b: jax.grad(lambda a: jnp.sum((a @ b) ** 2))(a),
        2 * 5 * ONE,
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_products_are_counted_in(name):
    function, expected = FUNCTIONS[name]
    assert arithmetic.operations(function, A, B) == expected


def test_frames_count_as_often_as_pieces_hold_them():
    data = toys.corpus(longest=90)
    data = replace(data, energy=np.ones(len(data.frames)))
    settings = {"aggregator": "final", "cells": 3, "batch_size": 7}
    whole = make(**settings)
    cut = make(**settings, pieces="windows(frames=20,hop=10,silence=0.0)")
    three = folds.make(data, "speaker")[:3]
    design = Design([data] * 2, [whole, cut], three, range(2))
    frames = rows = 0
    for fold in three:
        for length in data.length[fold.train]:
            ends = [*range(10, length, 10), length]
            frames += 2 * sum(min(20, end) for end in ends)
            rows += 2 * len(ends)
    speech = 2 * sum(int(data.length[fold.train].sum()) for fold in three)
    each = lstm(5, 3), 3 * 2 * 3 * 4
    utterances = 2 * sum(len(fold.train) for fold in three)
    assert arithmetic.epoch(design, 0) == each[0] * speech + each[1] * utterances
    assert arithmetic.epoch(design, 1) == each[0] * frames + each[1] * rows


def test_the_speed_of_the_devices_is_measured():
    assert 0 < arithmetic.speed() < np.inf
