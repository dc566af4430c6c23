"""The heads against numpy."""

import jax
import numpy as np
import pytest
from closeness import assert_same

from vladser.checks import rules
from vladser.registry import heads

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("linear", [(6, 3)]),
        pytest.param("dense", [(6, 64), (64, 3)], marks=pytest.mark.slow),
        ("dense(units=5,layers=2)", [(6, 5), (5, 5), (5, 3)]),
    ],
)
def test_logits_are_those_of_matrix_products(text, shapes):
    head = heads.build(heads.parse(text))
    params = rules.parameters(head, 6, 3)
    *hidden, last = [params] if text == "linear" else params
    assert [layer.kernel.shape for layer in (*hidden, last)] == shapes
    expected = vectors = np.random.default_rng(0).normal(size=(4, 6))
    for kernel, bias in hidden:
        expected = np.maximum(expected @ kernel + bias, 0)
    expected = expected @ last.kernel + last.bias
    logits = jax.jit(head.apply)(params, vectors)
    assert_same(logits, expected, sum(rows for rows, _ in shapes))
