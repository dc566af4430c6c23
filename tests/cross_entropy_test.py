"""Soft labels and the loss against naive numpy and scikit-learn."""

import jax
import numpy as np
import pytest
from closeness import assert_same

from vladser.objectives import cross_entropy

pytestmark = pytest.mark.numeric

LABELS = np.repeat([0, 1, 2, 3], [10, 6, 3, 1])
LACKING = LABELS[LABELS != 2]
LOGITS = np.random.default_rng(0).normal(0, 2, (20, 4))
TERMS = 2 * 4  # two sums over the classes
EXTREME = [[1e4, 0, 0, 0], [-1e4, 1e4, 1e4, -1e4], [0, -1e4, -1e4, -1e4], [0, 0, 0, 0]]

_run = jax.jit(
    jax.vmap(jax.value_and_grad(cross_entropy.utterance), in_axes=(0, 0, None))
)


def _data(labels=LABELS, **options):
    return cross_entropy.cross_entropy(**options).prepare(labels, 4)


def _of(data, logits=LOGITS, labels=LABELS):
    """The losses, and their gradients by the logits."""
    losses, slopes = _run(np.float32(logits), labels, data)
    return np.asarray(losses), np.asarray(slopes)


def _naive(data, logits, label):
    """The same in float64, a class at a time."""
    adjusted = [z + a for z, a in zip(logits, data.logit_adjustment, strict=True)]
    total = sum(np.exp(z) for z in adjusted)
    loss = 0.0
    for k, z in enumerate(adjusted):
        target = (1 - data.alpha) * (k == label) + data.alpha * data.prior[k]
        p = np.exp(z) / total
        loss -= target * (1 - p) ** float(data.focal) * np.log(p)
    return data.class_weights[label] * loss


@pytest.mark.parametrize(
    ("smoothing", "alpha", "prior"),
    [
        ("unigram", 0.3, [0.5, 0.3, 0.15, 0.05]),
        ("uniform", 0.3, [0.25] * 4),
        ("none", 0.0, [0.25] * 4),
    ],
)
def test_priors_are_those_of_equation_2(smoothing, alpha, prior):
    data = _data(smoothing=smoothing, alpha=0.3)
    assert data.alpha == np.float32(alpha)
    assert_same(data.prior, np.array(prior), 1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 1.0},
        {"class_weights": 1.0},
        {"focal": 2.0},
        {"logit_adjustment": 1.0},
        {"class_weights": 0.5, "focal": 0.3, "logit_adjustment": 1.5},
    ],
)
def test_losses_and_gradients_are_what_the_equations_say(options):
    data, step = _data(**options), 1e-5
    rows = list(zip(LOGITS, LABELS, strict=True))
    naive = [_naive(data, logits, label) for logits, label in rows]
    losses, slopes = _of(data)
    assert_same(losses, np.array(naive), TERMS)
    differences = [
        [
            _naive(data, logits + e, label) - _naive(data, logits - e, label)
            for e in step * np.eye(4)
        ]
        for logits, label in rows
    ]
    # In float64 these err by 1e-10 or so.
    assert_same(slopes, np.array(differences) / (2 * step), TERMS)


@pytest.mark.parametrize("focal", [0, 1e-3, 0.5, 1, 2, 5, 100])
def test_extreme_logits_have_finite_losses_and_gradients(focal):
    data = _data(class_weights=1.0, focal=focal, logit_adjustment=1.0)
    for label in range(4):
        losses, slopes = _of(data, EXTREME, np.full(4, label))
        assert np.isfinite(losses).all() and np.isfinite(slopes).all()


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_weights_are_powers_of_scikit_learns_balanced_with_a_mean_of_1(strength):
    from sklearn.utils.class_weight import compute_class_weight  # late: takes a second

    for labels in LABELS, LACKING:
        present, counts = np.unique(labels, return_counts=True)
        balanced = compute_class_weight("balanced", classes=present, y=labels)
        balanced **= strength
        expected = balanced * counts.sum() / (counts @ balanced)
        weights = _data(labels, class_weights=strength).class_weights
        np.testing.assert_allclose(weights[present], expected, rtol=1e-6)
    assert weights[2] == weights[3]  # which has one utterance


def test_logits_are_adjusted_by_log_shares_where_a_lacking_class_has_one_utterance():
    """Equation (10) of Menon et al. 2021."""
    for labels, counts in (LABELS, [10, 6, 3, 1]), (LACKING, [10, 6, 1, 1]):
        expected = 1.5 * np.log(np.array(counts) / len(labels))
        added = _data(labels, logit_adjustment=1.5).logit_adjustment
        np.testing.assert_allclose(added, expected, rtol=1e-6)
