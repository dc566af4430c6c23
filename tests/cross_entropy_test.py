"""Soft labels and the loss against naive numpy, torch and scikit-learn."""

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser.condition import make
from vladser.data import dataset, folds
from vladser.engine import trials
from vladser.objectives import cross_entropy

pytestmark = pytest.mark.numeric

LABELS = np.repeat([0, 1, 2, 3], [10, 6, 3, 1])
LACKING = LABELS[LABELS != 2]
LOGITS = np.random.default_rng(0).normal(0, 2, (20, 4))
TERMS = 2 * 4  # two sums over the classes
EXTREME = [[1e4, 0, 0, 0], [-1e4, 1e4, 1e4, -1e4], [0, -1e4, -1e4, -1e4], [0, 0, 0, 0]]

_losses_of, _slopes_of = (
    jax.jit(jax.vmap(function, in_axes=(0, 0, None)))
    for function in (cross_entropy.utterance, jax.grad(cross_entropy.utterance))
)


def _data(labels=LABELS, **options):
    return cross_entropy.cross_entropy(**options).prepare(labels, 4)


def _losses(data, logits=LOGITS, labels=LABELS):
    return np.asarray(_losses_of(np.float32(logits), labels, data))


def _slopes(data, logits=LOGITS, labels=LABELS):
    return np.asarray(_slopes_of(np.float32(logits), labels, data))


def _balanced(labels):
    from sklearn.utils.class_weight import compute_class_weight  # late: takes a second

    return compute_class_weight("balanced", classes=np.unique(labels), y=labels)


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
    assert_same(_losses(data), np.array(naive), TERMS)
    differences = [
        [
            _naive(data, logits + e, label) - _naive(data, logits - e, label)
            for e in step * np.eye(4)
        ]
        for logits, label in rows
    ]
    # In float64 these err by 1e-10 or so.
    assert_same(_slopes(data), np.array(differences) / (2 * step), TERMS)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_smoothed_and_weighted_it_is_torchs(alpha):
    torch = pytest.importorskip("torch")
    data = _data(smoothing="uniform", alpha=alpha, class_weights=1.0)
    # Torch would weigh each target class, which is the same without smoothing.
    losses = torch.nn.functional.cross_entropy(
        torch.tensor(LOGITS),
        torch.tensor(LABELS),
        label_smoothing=alpha,
        reduction="none",
    )
    assert_same(_losses(data), data.class_weights[LABELS] * losses.numpy(), TERMS)


def test_without_treatment_it_is_the_cross_entropy_to_the_bit():
    data = _data()

    def plain(logits, label):
        targets = (1 - data.alpha) * jax.nn.one_hot(label, 4) + data.alpha * data.prior
        return -(targets * jax.nn.log_softmax(logits)).sum()

    logits = np.float32([*LOGITS, *EXTREME])
    labels = np.append(LABELS, [0, 1, 2, 3])
    plainly = jax.jit(jax.vmap(plain))(logits, labels)
    np.testing.assert_array_equal(_losses(data, logits, labels), plainly)


@pytest.mark.parametrize("focal", [0, 1e-3, 0.5, 1, 2, 5, 100])
def test_extreme_logits_have_finite_losses_and_gradients(focal):
    data = _data(class_weights=1.0, focal=focal, logit_adjustment=1.0)
    for label in range(4):
        labels = np.full(4, label)
        assert np.isfinite(_losses(data, EXTREME, labels)).all()
        assert np.isfinite(_slopes(data, EXTREME, labels)).all()


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_weights_are_powers_of_scikit_learns_balanced_with_a_mean_of_1(strength):
    for labels in LABELS, LACKING:
        present, counts = np.unique(labels, return_counts=True)
        balanced = _balanced(labels) ** strength
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


def test_a_trial_sees_the_shares_of_its_folds_training_rows():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[1] = made[1]._replace(train=made[1].train[::3])
    made[2] = made[2]._replace(train=np.flatnonzero(corpus.label < 2))
    treated = make(aggregator="mean", class_weights=1.0, focal=2.0)
    conditions = [make(aggregator="mean"), treated]
    moments = dataset.moments(corpus)
    data = trials.rectangle(corpus, moments, conditions, made, [0, 1]).objective
    assert data.class_weights.shape == data.prior.shape == (2, 8, 4)
    np.testing.assert_array_equal(data.focal, [[0] * 4 + [2] * 4] * 2)
    np.testing.assert_array_equal(data.class_weights[:, :4], 1)
    for n, fold in enumerate(made):
        labels = corpus.label[fold.train]
        present, counts = np.unique(labels, return_counts=True)
        for of_seed, expected in (
            (data.prior, counts / counts.sum()),
            (data.class_weights, _balanced(labels)),
        ):
            for values in of_seed[:, 4 + n, present]:
                np.testing.assert_allclose(values, expected, rtol=1e-6)
