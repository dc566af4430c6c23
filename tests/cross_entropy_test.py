"""The loss of one utterance against torch, scikit-learn and naive numpy."""

import json

import jax
import launching
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser.condition import make
from vladser.data import dataset, folds
from vladser.engine import trials
from vladser.objectives import cross_entropy, smoothing

pytestmark = pytest.mark.numeric

LABELS = np.repeat([0, 1, 2, 3], [10, 6, 3, 1])
PRIOR = smoothing.prior("unigram", LABELS, 4)
LOGITS = np.random.default_rng(0).normal(0, 2, (20, 4))
TERMS = 2 * 4  # two sums over the classes
EXTREME = [[1e4, 0, 0, 0], [-1e4, 1e4, 1e4, -1e4], [0, -1e4, -1e4, -1e4], [0, 0, 0, 0]]

_of_each, _slope_of_each = (
    jax.jit(jax.vmap(of, in_axes=(0, 0, None)))
    for of in (cross_entropy.utterance, jax.grad(cross_entropy.utterance))
)


def _trial(strength=0.0, focal=0.0, tau=0.0, alpha=0.2, labels=LABELS, prior=PRIOR):
    values = {
        "alpha": np.float32(alpha),
        "prior": prior,
        "class_weights": cross_entropy.weigh(strength, labels, 4),
        "focal": np.float32(focal),
        "logit_adjustment": cross_entropy.adjust(tau, labels, 4),
    }
    return cross_entropy.Data(**values)


def _losses(trial, logits=LOGITS, labels=LABELS):
    return np.asarray(_of_each(np.float32(logits), labels, trial))


def _balanced(classes, y):
    from sklearn.utils.class_weight import compute_class_weight  # late: takes a second

    return compute_class_weight("balanced", classes=classes, y=y)


def _slopes(trial, logits, labels):
    return np.asarray(_slope_of_each(np.float32(logits), labels, trial))


def _naive(trial, logits, label):
    """The same in float64, a class at a time."""
    adjusted = [z + a for z, a in zip(logits, trial.logit_adjustment, strict=True)]
    total = sum(np.exp(z) for z in adjusted)
    loss = 0.0
    for k, z in enumerate(adjusted):
        target = (1 - trial.alpha) * (k == label) + trial.alpha * trial.prior[k]
        p = np.exp(z) / total
        loss -= target * (1 - p) ** float(trial.focal) * np.log(p)
    return trial.class_weights[label] * loss


TREATED = [(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 1), (0.5, 0.3, 1.5)]


@pytest.mark.parametrize("treatment", TREATED)
def test_it_is_what_the_equations_say(treatment):
    trial = _trial(*treatment)
    naive = [_naive(trial, *one) for one in zip(LOGITS, LABELS, strict=True)]
    assert_same(_losses(trial), np.array(naive), TERMS)


@pytest.mark.parametrize("treatment", TREATED)
def test_gradients_are_differences(treatment):
    trial, step = _trial(*treatment), 1e-5
    found = _slopes(trial, LOGITS, LABELS)
    differences = [
        [
            (_naive(trial, logits + e, label) - _naive(trial, logits - e, label))
            / (2 * step)
            for e in step * np.eye(4)
        ]
        for logits, label in zip(LOGITS, LABELS, strict=True)
    ]
    # In float64 these err by 1e-10 or so.
    assert_same(found, np.array(differences), TERMS)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_smoothed_and_weighted_it_is_torchs(alpha):
    torch = pytest.importorskip("torch")
    uniform = smoothing.prior("uniform", LABELS, 4)
    trial = _trial(strength=1, alpha=alpha, prior=uniform)
    logits, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    weights = torch.tensor(trial.class_weights).double()
    entropy = torch.nn.functional.cross_entropy
    # Torch would weigh each target class, which is the same without smoothing.
    plain = entropy(logits, labels, label_smoothing=alpha, reduction="none")
    expected = (weights[labels] * plain).numpy()
    assert_same(_losses(trial), expected, TERMS)
    if alpha == 0:
        found = entropy(logits, labels, weight=weights, reduction="none")
        assert_same(_losses(trial), found.numpy(), TERMS)


def test_without_treatment_it_is_the_cross_entropy_to_the_bit():
    def plain(logits, label):
        targets = smoothing.soften(label, np.float32(0.2), PRIOR)
        return -(targets * jax.nn.log_softmax(logits)).sum()

    logits = np.float32([*LOGITS, *EXTREME])
    labels = np.append(LABELS, [0, 1, 2, 3])
    plainly = jax.jit(jax.vmap(plain))(logits, labels)
    np.testing.assert_array_equal(_losses(_trial(), logits, labels), plainly)
    slopes = jax.jit(jax.vmap(jax.grad(plain)))(logits, labels)
    assert_same(_slopes(_trial(), logits, labels), np.asarray(slopes), TERMS)


@pytest.mark.parametrize("focal", [0, 1e-3, 0.5, 1, 2, 5, 100])
@pytest.mark.parametrize("label", range(4))
def test_extreme_logits_have_finite_losses_and_gradients(focal, label):
    trial, labels = _trial(1, focal, 1), np.full(4, label)
    assert np.isfinite(_losses(trial, EXTREME, labels)).all()
    assert np.isfinite(_slopes(trial, EXTREME, labels)).all()


def test_focus_is_on_what_is_hard():
    """Lin et al.: at gamma 2, p = 0.9 counts a hundredth, p = 0.5 a quarter."""
    logits = np.log([[0.9, 0.05, 0.03, 0.02], [0.5, 0.3, 0.1, 0.1]])
    hard = {"alpha": 0.0, "labels": np.arange(4)}
    ratio = _losses(_trial(focal=2, **hard), logits, np.zeros(2, int)) / _losses(
        _trial(**hard), logits, np.zeros(2, int)
    )
    # 1 - 0.9 has one of float32's seven digits less, and so has its square.
    np.testing.assert_allclose(ratio, [0.01, 0.25], rtol=1e-5)


@pytest.mark.slow
def test_full_weights_are_scikit_learns_balanced():
    classes = np.arange(4)
    balanced = _balanced(classes=classes, y=LABELS)
    np.testing.assert_allclose(cross_entropy.weigh(1, LABELS, 4), balanced, rtol=1e-6)
    lacking = LABELS[LABELS != 2]
    found = cross_entropy.weigh(1, lacking, 4)
    balanced = _balanced(classes=np.unique(lacking), y=lacking)
    np.testing.assert_allclose(found[[0, 1, 3]], balanced, rtol=1e-6)
    assert found[2] == found[3]  # which has one utterance


@pytest.mark.parametrize("strength", [0, 0.3, 0.5, 1])
def test_weights_have_a_mean_of_1_and_ratios_of_shares(strength):
    weights = cross_entropy.weigh(strength, LABELS, 4)
    assert weights[LABELS].mean() == pytest.approx(1)
    np.testing.assert_allclose(
        weights[0] / weights, [1, *(0.1 * np.array([6, 3, 1])) ** strength], rtol=1e-6
    )
    if strength == 0:
        np.testing.assert_array_equal(weights, np.ones(4))


def test_logits_are_adjusted_by_log_shares():
    """Equation (10) of Menon et al. in its second form: pairwise margins."""
    tau, share = 1.5, np.array([0.5, 0.3, 0.15, 0.05])
    trial = _trial(tau=tau, alpha=0)
    margins = [
        np.log(sum((share / share[y]) ** tau * np.exp(f - f[y])))
        for f, y in zip(LOGITS, LABELS, strict=True)
    ]
    assert_same(_losses(trial), np.array(margins), TERMS)


def test_adjusted_logits_learn_to_ignore_the_shares():
    """One set of logits for all: its best are log shares, adjusted all the same."""
    logits = np.zeros(4)
    for _ in range(500):
        slopes = _slopes(_trial(tau=1, alpha=0), np.tile(logits, (20, 1)), LABELS)
        logits = logits - slopes.mean(axis=0)
    np.testing.assert_allclose(logits, 0, atol=1e-3)  # what 500 steps leave of it


def test_a_class_that_is_lacking_counts_as_one_utterance():
    lacking = LABELS[LABELS != 2]
    found = cross_entropy.adjust(2, lacking, 4)
    np.testing.assert_allclose(found[2], 2 * np.log(1 / 17), rtol=1e-6)
    trial = _trial(1, 2, 2, labels=lacking)
    assert np.isfinite(_losses(trial)).all()
    assert np.isfinite(_slopes(trial, LOGITS, LABELS)).all()


def test_a_trial_sees_the_shares_of_its_folds_training_rows():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[1] = made[1]._replace(train=made[1].train[::3])
    made[2] = made[2]._replace(train=np.flatnonzero(corpus.label < 2))
    conditions = [
        make(aggregator="mean"),
        make(aggregator="mean", class_weights=1.0, focal=2.0, logit_adjustment=0.5),
    ]
    made_of = dataset.moments(corpus), conditions, made, (0, 1)
    found = trials.rectangle(corpus, *made_of).objective
    assert found.class_weights.shape == found.logit_adjustment.shape == (2, 8, 4)
    np.testing.assert_array_equal(found.focal, [[0] * 4 + [2] * 4] * 2)
    np.testing.assert_array_equal(found.class_weights[:, :4], 1)
    np.testing.assert_array_equal(found.logit_adjustment[:, :4], 0)
    for n, fold in enumerate(made):
        labels = corpus.label[fold.train]
        there, counts = np.unique(labels, return_counts=True)
        weights = _balanced(classes=there, y=labels)
        for seed in (0, 1):
            one = found.class_weights[seed, 4 + n], found.logit_adjustment[seed, 4 + n]
            np.testing.assert_allclose(one[0][there], weights, rtol=1e-6)
            log_shares = np.log(counts / len(labels))
            np.testing.assert_allclose(one[1][there], 0.5 * log_shares, rtol=1e-6)


@pytest.mark.slow
def test_a_grid_over_treatments_is_named_written_and_reported(tmp_path):
    corpus, folder = launching.corpus(tmp_path), tmp_path / "run"
    # Four trials a seed, as other tests of the launcher have: one program.
    argv = *launching.SMALL, "--hold_out=split", "--epochs=1", f"--run_dir={folder}"
    grids = [
        f"--grid={one}"
        for one in ("class_weights=0,1", "focal=2", "logit_adjustment=0.5")
    ]
    assert launching.call(*corpus, *argv, *grids, pictures=True) == 0
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    names = "class_weights", "focal", "logit_adjustment"
    first = "mean, unigram 0.2, cells 4"
    assert {
        one["name"]: tuple(one[name] for name in names) for one in summary["conditions"]
    } == {
        first: (0, 0, 0),
        f"{first}, class weights 1": (1, 0, 0),
        f"{first}, focal 2": (0, 2, 0),
        f"{first}, logit adjustment 0.5": (0, 0, 0.5),
    }
    (family,) = summary["comparisons"]
    assert (family["family"], family["reference"]) == (
        "Settings of mean, unigram 0.2",
        first,
    )
    assert len(family["differences"]) == 3
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert all(one["name"] in report for one in summary["conditions"])
