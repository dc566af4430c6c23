import jax
import numpy as np
import optax
import pytest
from closeness import assert_same

from vladser.errors import InputError
from vladser.objectives import smoothing

pytestmark = pytest.mark.numeric

LABELS = np.array([0, 0, 0, 1, 3])

_soften = jax.jit(jax.vmap(smoothing.soften, in_axes=(0, None, None)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unigram", [0.6, 0.2, 0, 0.2]),
        ("uniform", [0.25] * 4),
        ("none", [0.25] * 4),
    ],
)
def test_priors_by_hand(kind, expected):
    prior = smoothing.prior(kind, LABELS, 4)
    assert prior.dtype == np.float32
    assert_same(prior, np.array(expected), 1)


def test_equation_2_by_hand():
    unigram = smoothing.prior("unigram", LABELS, 4)
    found = smoothing.soften(1, 0.2, unigram)
    assert_same(found, np.array([0.12, 0.84, 0, 0.04]), 2)


@pytest.mark.parametrize("kind", smoothing.KINDS)
@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.7, 1.0])
def test_equation_2_in_loops(kind, alpha):
    prior = smoothing.prior(kind, LABELS, 4)
    found = _soften(np.arange(4), np.float32(alpha), prior)
    for y, of_label in enumerate(found):
        for k, target in enumerate(of_label):
            expected = (1 - alpha) * (1 if k == y else 0) + alpha * float(prior[k])
            assert target == pytest.approx(expected, rel=1e-6)  # of float32
    assert_same(found.sum(axis=1), np.ones(4), 4)


def test_uniform_equals_optax():
    prior = smoothing.prior("uniform", LABELS, 4)
    found = _soften(LABELS, 0.3, prior)
    expected = optax.smooth_labels(jax.nn.one_hot(LABELS, 4), 0.3)
    assert_same(found, expected, 2)


@pytest.mark.parametrize("kind", smoothing.KINDS)
def test_alpha_0_is_the_label_and_1_is_the_prior_to_the_bit(kind):
    prior = smoothing.prior(kind, LABELS, 4)
    np.testing.assert_array_equal(smoothing.soften(2, 0.0, prior), [0, 0, 1, 0])
    np.testing.assert_array_equal(smoothing.soften(2, 1.0, prior), prior)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="one of none, uniform, unigram"):
        smoothing.prior("bigram", LABELS, 4)
