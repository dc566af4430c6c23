"""Soft labels and the loss against naive numpy, torch and scikit-learn."""

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser.condition import make
from vladser.data import dataset, folds
from vladser.engine import trials
from vladser.errors import InputError
from vladser.objectives import cross_entropy, smoothing

pytestmark = pytest.mark.numeric

LABELS = np.repeat([0, 1, 2, 3], [10, 6, 3, 1])
PRIOR = smoothing.prior("unigram", LABELS, 4)
LOGITS = np.random.default_rng(0).normal(0, 2, (20, 4))
TERMS = 2 * 4  # two sums over the classes
EXTREME = [[1e4, 0, 0, 0], [-1e4, 1e4, 1e4, -1e4], [0, -1e4, -1e4, -1e4], [0, 0, 0, 0]]

_losses_of, _slopes_of = (
    jax.jit(jax.vmap(function, in_axes=(0, 0, None)))
    for function in (cross_entropy.utterance, jax.grad(cross_entropy.utterance))
)


def _data(strength=0.0, focal=0.0, tau=0.0, alpha=0.2, labels=LABELS, prior=PRIOR):
    return cross_entropy.Data(
        np.float32(alpha),
        prior,
        cross_entropy.weigh(strength, labels, 4),
        np.float32(focal),
        cross_entropy.adjust(tau, labels, 4),
    )


def _losses(data, logits=LOGITS, labels=LABELS):
    return np.asarray(_losses_of(np.float32(logits), labels, data))


def _slopes(data, logits=LOGITS, labels=LABELS):
    return np.asarray(_slopes_of(np.float32(logits), labels, data))


def _balanced(classes, y):
    from sklearn.utils.class_weight import compute_class_weight  # late: takes a second

    return compute_class_weight("balanced", classes=classes, y=y)


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
    ("kind", "expected"),
    [
        ("unigram", [0.5, 0.3, 0.15, 0.05]),
        ("uniform", [0.25] * 4),
        ("none", [0.25] * 4),
    ],
)
def test_priors_and_soft_labels_are_those_of_equation_2(kind, expected):
    prior = smoothing.prior(kind, LABELS, 4)
    assert prior.dtype == np.float32
    assert_same(prior, np.array(expected), 1)
    soften = jax.jit(jax.vmap(smoothing.soften, in_axes=(0, None, None)))
    for alpha in 0.0, 0.2, 0.7, 1.0:
        soft = np.asarray(soften(np.arange(4), np.float32(alpha), prior))
        for y, k in np.ndindex(4, 4):
            target = (1 - alpha) * (1 if k == y else 0) + alpha * expected[k]
            assert soft[y, k] == pytest.approx(target, rel=1e-6)  # of float32
        if alpha in (0, 1):  # to the bit
            np.testing.assert_array_equal(soft, [prior] * 4 if alpha else np.eye(4))


def test_an_unknown_smoothing_is_refused():
    for refused in (
        lambda: smoothing.prior("bigram", LABELS, 4),
        lambda: cross_entropy.cross_entropy(smoothing="bigram").prepare(LABELS, 4),
    ):
        with pytest.raises(InputError, match="one of none, uniform, unigram"):
            refused()


TREATED = [(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 1), (0.5, 0.3, 1.5)]


@pytest.mark.parametrize("treatment", TREATED)
def test_losses_and_gradients_are_what_the_equations_say(treatment):
    data, step = _data(*treatment), 1e-5
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
    uniform = smoothing.prior("uniform", LABELS, 4)
    data = _data(strength=1, alpha=alpha, prior=uniform)
    logits, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    weights = torch.tensor(data.class_weights).double()
    entropy = torch.nn.functional.cross_entropy
    # Torch would weigh each target class, which is the same without smoothing.
    plain = entropy(logits, labels, label_smoothing=alpha, reduction="none")
    expected = (weights[labels] * plain).numpy()
    assert_same(_losses(data), expected, TERMS)


def test_without_treatment_it_is_the_cross_entropy_to_the_bit():
    def plain(logits, label):
        targets = smoothing.soften(label, np.float32(0.2), PRIOR)
        return -(targets * jax.nn.log_softmax(logits)).sum()

    logits = np.float32([*LOGITS, *EXTREME])
    labels = np.append(LABELS, [0, 1, 2, 3])
    plainly = jax.jit(jax.vmap(plain))(logits, labels)
    np.testing.assert_array_equal(_losses(_data(), logits, labels), plainly)


@pytest.mark.parametrize("focal", [0, 1e-3, 0.5, 1, 2, 5, 100])
@pytest.mark.parametrize("label", range(4))
def test_extreme_logits_have_finite_losses_and_gradients(focal, label):
    data, labels = _data(1, focal, 1), np.full(4, label)
    assert np.isfinite(_losses(data, EXTREME, labels)).all()
    assert np.isfinite(_slopes(data, EXTREME, labels)).all()


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_weights_are_powers_of_scikit_learns_balanced_with_a_mean_of_1(strength):
    for labels in LABELS, LABELS[LABELS != 2]:
        present = np.unique(labels)
        balanced = _balanced(present, labels) ** strength
        counts = np.bincount(labels)[present]
        expected = balanced * counts.sum() / (counts @ balanced)
        weights = cross_entropy.weigh(strength, labels, 4)
        np.testing.assert_allclose(weights[present], expected, rtol=1e-6)
    assert weights[2] == weights[3]  # which has one utterance


def test_logits_are_adjusted_by_log_shares_where_a_lacking_class_has_one_utterance():
    """Equation (10) of Menon et al. 2021."""
    for labels, counts in (LABELS, [10, 6, 3, 1]), (LABELS[LABELS != 2], [10, 6, 1, 1]):
        expected = 1.5 * np.log(np.array(counts) / len(labels))
        added = cross_entropy.adjust(1.5, labels, 4)
        np.testing.assert_allclose(added, expected, rtol=1e-6)


def test_a_trial_sees_the_shares_of_its_folds_training_rows():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[1] = made[1]._replace(train=made[1].train[::3])
    made[2] = made[2]._replace(train=np.flatnonzero(corpus.label < 2))
    treated = make(aggregator="mean", class_weights=1.0, focal=2.0)
    conditions = [make(aggregator="mean"), treated]
    seeds = (0, 1)
    moments = dataset.moments(corpus)
    data = trials.rectangle(corpus, moments, conditions, made, seeds).objective
    assert data.class_weights.shape == data.prior.shape == (2, 8, 4)
    np.testing.assert_array_equal(data.focal, [[0] * 4 + [2] * 4] * 2)
    np.testing.assert_array_equal(data.class_weights[:, :4], 1)
    for n, fold in enumerate(made):
        present, counts = np.unique(corpus.label[fold.train], return_counts=True)
        weights = _balanced(present, corpus.label[fold.train])
        for seed in seeds:
            prior = data.prior[seed, 4 + n][present]
            np.testing.assert_allclose(prior, counts / counts.sum(), rtol=1e-6)
            weighted = data.class_weights[seed, 4 + n][present]
            np.testing.assert_allclose(weighted, weights, rtol=1e-6)


def test_a_condition_is_named_by_its_treatments():
    treated = make(class_weights=1.0, focal=2.0, logit_adjustment=0.5)
    treatments = "class weights 1, focal 2, logit adjustment 0.5"
    assert treated.name == f"{make().name}, {treatments}"
