"""The angular softmax against the arc cosine, and its slope against differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_same

from vladser import model
from vladser.checks import rules
from vladser.condition import make, specification
from vladser.errors import InputError
from vladser.objectives import angular, cross_entropy
from vladser.registry import heads

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

LABELS = np.repeat([0, 1, 2], [12, 3, 1])


def psi(theta, m):
    """Of whole m, as SphereFace has it."""
    k = min(int(theta * m / np.pi), m - 1)
    return (-1) ** k * np.cos(m * theta) - 2 * k


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_psi_is_that_of_the_arc_cosine(m):
    theta = np.linspace(0, np.pi, 301)
    found = jax.vmap(angular.widened, (0, None))(jnp.cos(theta), float(m))
    # The polynomial of degree 4 has coefficients up to 8.
    np.testing.assert_allclose(found, [psi(t, m) for t in theta], atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("m", [1.0, 1.3, 2.0, 2.71, 3.5, 4.0])
def test_psi_falls_from_1_with_the_angle_and_is_below_the_cosine(m):
    cosine = np.cos(np.linspace(0, np.pi, 1001))
    found, slope = jax.vmap(jax.value_and_grad(angular.widened), (0, None))(cosine, m)
    assert found[0] == 1 and (np.diff(found) < 0).all()
    assert (found <= cosine + 1e-12).all()
    assert np.isfinite(slope).all() and slope.min() >= 0 and slope.max() <= 16 + 1e-9


def test_rare_classes_have_larger_margins():
    data = angular.angular(margin=1.5, balance=0.5).prepare(LABELS, 4)
    # A class that is lacking counts as one utterance.
    expected = [1.5, 2.0, 1 + 0.5 * 12**0.5, 1 + 0.5 * 12**0.5]
    np.testing.assert_allclose(data.margins, expected, rtol=1e-6)
    assert angular.angular(balance=1.0).prepare(LABELS, 3).margins.max() == 4
    same = angular.angular(balance=0.0).prepare(LABELS, 3).margins
    np.testing.assert_array_equal(same, [2, 2, 2])
    for margin in 0.9, 4.1:
        with pytest.raises(ValueError, match="margin: expected 1 to 4"):
            angular.angular(margin=margin)


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", ["none", "unigram"])
def test_the_loss_is_the_cross_entropy_of_changed_logits(smoothing):
    draw, head = np.random.default_rng(0), heads.build(heads.parse("cosine"))
    kernel, vectors = draw.normal(size=(5, 3)), draw.normal(size=(16, 5))
    logits = head.apply(kernel, vectors)
    directions = kernel / np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(logits, vectors @ directions, atol=1e-12)
    objective = angular.angular(margin=3.0, balance=0.0, blend=0.5, smoothing=smoothing)
    data = objective.prepare(LABELS, 3)
    changed = np.array(logits)
    for row, label in enumerate(LABELS):
        length = np.linalg.norm(vectors[row])
        theta = np.arccos(logits[row, label] / length)
        changed[row, label] = length * (0.5 * np.cos(theta) + psi(theta, 3)) / 1.5
    plain = cross_entropy.cross_entropy(smoothing=smoothing)
    expected = plain.loss((), plain.prepare(LABELS, 3), vectors, changed, LABELS)
    found = objective.loss((), data, vectors, logits, LABELS)
    assert_same(found, expected, 5 * 4)
    one = angular.angular(margin=1.0).prepare(LABELS, 3)
    same = objective.loss((), one, vectors, logits, LABELS)
    hard = cross_entropy.cross_entropy(smoothing="none")
    unchanged = hard.loss((), hard.prepare(LABELS, 3), vectors, logits, LABELS)
    assert_same(same, unchanged, 5 * 4)


@pytest.mark.slow
def test_a_zero_vector_has_a_finite_gradient():
    data = angular.angular().prepare(LABELS, 3)
    run = jax.grad(angular.utterance, (0, 1))
    for gradient in run(jnp.zeros(5), jnp.zeros(3), 1, data):
        assert np.isfinite(gradient).all()


def test_it_needs_logits_of_angles():
    condition = make(aggregator="mean", objective="angular")
    with pytest.raises(
        InputError, match="objective angular needs head=cosine, got lin"
    ):
        model.sizes(specification(condition, 5, 4))
    condition = make(aggregator="mean", objective="angular", head="cosine")
    assert model.sizes(specification(condition, 5, 4)) == (64, 64)
    assert rules.parameters(heads.build(condition.head), 64, 4).shape == (64, 4)
