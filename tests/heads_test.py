"""The heads against loops in numpy."""

import jax
import numpy as np
import pytest
from closeness import assert_same

from vladser import rules
from vladser.registry import heads

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

SIZE, CLASSES = 6, 3


def _layer(layer, vector):
    kernel, bias = layer
    return [
        sum(kernel[i, j] * vector[i] for i in range(len(vector))) + bias[j]
        for j in range(len(bias))
    ]


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("linear", [(6, 3)]),
        pytest.param("dense", [(6, 64), (64, 3)], marks=pytest.mark.slow),
        ("dense(units=5,layers=2)", [(6, 5), (5, 5), (5, 3)]),
    ],
)
def test_logits_are_those_of_loops(text, shapes):
    head = heads.build(heads.parse(text))
    params = rules.parameters(head, SIZE, CLASSES)
    layers = [params] if text == "linear" else params
    assert [layer.kernel.shape for layer in layers] == shapes
    vectors = np.random.default_rng(0).normal(size=(4, SIZE))
    expected = []
    for vector in vectors:
        for layer in layers[:-1]:
            vector = [max(z, 0) for z in _layer(layer, vector)]
        expected.append(_layer(layers[-1], vector))
    logits = jax.jit(head.apply)(params, vectors)
    assert_same(logits, np.array(expected), sum(rows for rows, _ in shapes))


def test_initial_weights_are_glorots_and_biases_zero():
    params = heads.build(heads.parse("linear")).init(jax.random.key(0), 300, 4)
    limit = np.sqrt(6 / 304)
    assert 0.99 * limit < np.abs(params.kernel).max() <= limit
    assert not params.bias.any()
