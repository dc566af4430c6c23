import jax
import numpy as np
import optax
import pytest

from vladser import smoothing
from vladser.errors import InputError

LABELS = np.array([0, 0, 0, 1, 3])


def test_equation_2_by_hand():
    unigram = smoothing.prior("unigram", LABELS, 4)
    np.testing.assert_allclose(unigram, [0.6, 0.2, 0, 0.2], rtol=1e-7)
    found = smoothing.soften(1, 0.2, unigram)
    np.testing.assert_allclose(found, [0.12, 0.84, 0, 0.04], rtol=1e-6)


def test_uniform_equals_optax():
    prior = smoothing.prior("uniform", LABELS, 4)
    found = [smoothing.soften(y, 0.3, prior) for y in LABELS]
    expected = optax.smooth_labels(jax.nn.one_hot(LABELS, 4), 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", smoothing.KINDS)
def test_alpha_0_is_the_label_and_1_is_the_prior(kind):
    prior = smoothing.prior(kind, LABELS, 4)
    np.testing.assert_array_equal(smoothing.soften(2, 0.0, prior), [0, 0, 1, 0])
    np.testing.assert_array_equal(smoothing.soften(2, 1.0, prior), prior)
    np.testing.assert_allclose(prior.sum(), 1, rtol=1e-6)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="one of none, uniform, unigram"):
        smoothing.prior("bigram", LABELS, 4)
