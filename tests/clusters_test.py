"""NetVLAD's clusters in time, against loops over frames."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import oracles
import pytest
import toys
from closeness import assert_same

from vladser import model
from vladser.condition import make
from vladser.data import batches, dataset, folds
from vladser.engine import trials as trials_of
from vladser.evaluation import netvlad_clusters
from vladser.evaluation.clustering import adjusted_rand, profile

pytestmark = pytest.mark.numeric


def _conditions(pooling):
    plain = make(aggregator=pooling, smoothing="none", cells=6)
    soft = make(aggregator=pooling, smoothing="uniform", alpha=0.2, cells=6)
    return [plain, soft]


def _case(pooling="netvlad(clusters=3)", batch_size=8, corpus=None):
    """Arguments of `of_trials`: untrained, but each trial with weights of its own."""
    corpus = corpus or toys.corpus()
    conditions = _conditions(pooling)
    plan = batches.plan(
        corpus.length, folds.make(corpus, "speaker"), [0, 7], 1, batch_size
    )
    moments = dataset.moments(corpus)
    trials = trials_of.rectangle(corpus, moments, conditions, plan.folds, plan.seeds)
    spec = trials_of.specification(corpus, conditions)
    draw = np.random.default_rng(1)
    shapes = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    params = jax.tree.map(
        lambda leaf: draw.normal(size=(*trials.seed.shape, *leaf.shape)), shapes
    )
    return corpus, conditions, plan, trials, jax.tree.map(np.float32, params)


@pytest.fixture(scope="module")
def case():
    return _case()


@pytest.fixture(scope="module")
def found(case):
    return netvlad_clusters.of_trials(*case)


def _naive(case, seed, condition, fold):
    """Assignment [E, K, 10] and each test utterance's dominant cluster."""
    corpus, _, plan, trials, params = case
    place = seed, condition * len(plan.folds) + fold
    params, trial = jax.tree.map(lambda x: x[place], (params, trials))
    w, b, _ = params.aggregator
    rows = plan.folds[fold].test
    shares, dominant = [], []
    for row in rows:
        start, length = corpus.offset[row], corpus.length[row]
        frames = corpus.frames[start : start + length].astype(np.float64)
        frames = (frames - trial.mean) * trial.scale
        (hidden,) = oracles.lstm(params.encoder, frames[None], [length])
        assignment = np.array([oracles.softmax(w @ x + b) for x in hidden])
        # Ten ticks a frame: then each tenth has as many ticks as there are frames.
        ticks = np.repeat(assignment, 10, axis=0)
        shares.append([tenth.mean(axis=0) for tenth in np.split(ticks, 10)])
        dominant.append(assignment.sum(axis=0).argmax())
    shares, label = np.array(shares), corpus.label[rows]
    of_emotions = [
        shares[label == e].mean(axis=0).T for e in range(len(corpus.emotions))
    ]
    return np.array(of_emotions), dominant


@pytest.mark.slow
def test_equals_loops_over_frames(case, found):
    from sklearn.metrics import adjusted_rand_score

    corpus, conditions, plan, *_ = case
    assert corpus.length.min() < netvlad_clusters.BINS < corpus.length.max()
    assert found.assignment.shape == (
        2,
        len(conditions),
        4,
        4,
        3,
        netvlad_clusters.BINS,
    )
    for place in [(0, 0, 0), (0, 1, 2), (1, 0, 3), (1, 1, 1)]:
        assignment, dominant = _naive(case, *place)
        rows = plan.folds[place[2]].test
        assert_same(found.assignment[place], assignment, 40 * (5 + 6))
        expected = adjusted_rand_score(corpus.label[rows], dominant)
        assert found.adjusted_rand[place] == pytest.approx(expected, abs=1e-12)
        counts = np.bincount(corpus.label[rows])
        np.testing.assert_array_equal(found.utterances[place], counts)


@pytest.mark.slow
def test_minibatches_change_nothing(found):
    few = netvlad_clusters.of_trials(*_case(batch_size=3))
    assert_same(few.assignment, found.assignment, 40 * (5 + 6))
    np.testing.assert_array_equal(few.adjusted_rand, found.adjusted_rand)


@pytest.mark.slow
def test_other_utterances_reach_nothing(case, found):
    corpus, conditions, plan, trials, params = case
    tested = np.zeros(len(corpus.frames), bool)
    for row in plan.folds[1].test:
        tested[corpus.offset[row] : corpus.offset[row] + corpus.length[row]] = True
    frames = np.where(tested[:, None], corpus.frames, np.nan)
    corpus = replace(corpus, frames=frames)
    poisoned = netvlad_clusters.of_trials(corpus, conditions, plan, trials, params)
    np.testing.assert_array_equal(
        poisoned.assignment[:, :, 1], found.assignment[:, :, 1]
    )
    assert np.isfinite(poisoned.assignment[:, :, 1]).all()


@pytest.mark.slow
def test_an_emotion_that_a_fold_lacks_is_nan():
    whole = toys.corpus()
    # The first speaker's other utterances are the second's.
    moved = (whole.speaker == 0) & (whole.label != 2)
    corpus = replace(whole, speaker=np.where(moved, 1, whole.speaker))
    found = netvlad_clusters.of_trials(*_case(corpus=corpus, batch_size=3))
    of_first = found.assignment[:, :, 0]
    assert np.isnan(of_first[:, :, [0, 1, 3]]).all()
    assert np.isfinite(of_first[:, :, 2]).all()
    assert np.isnan(found.adjusted_rand[:, :, 0]).all()
    assert np.isfinite(found.assignment[:, :, 1:]).all()


def test_other_poolings_have_no_clusters():
    assert netvlad_clusters.of_trials(*_case("mean")) is None


def _adjusted_rand_score(classes, groups):
    from sklearn.metrics import adjusted_rand_score  # late, as it takes a second

    return adjusted_rand_score(classes, groups)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_adjusted_rand_equals_scikit_learn(count):
    draw = np.random.default_rng(count)
    classes = np.r_[0, 1, draw.integers(0, 4, 40)]
    for groups in (draw.integers(0, count, 42), classes % count, classes):
        expected = _adjusted_rand_score(classes, groups)
        np.testing.assert_allclose(adjusted_rand(classes, groups), expected, atol=1e-12)


def test_adjusted_rand_of_one_class_or_of_singles_is_nan():
    assert np.isnan(adjusted_rand(np.array([2, 2, 2]), np.array([0, 1, 0])))
    assert np.isnan(adjusted_rand(np.array([0, 1]), np.array([1, 0])))


def test_a_profile_weighs_folds_by_their_utterances():
    draw = np.random.default_rng(0)
    utterances = draw.dirichlet(np.ones(3), (7, 10)).swapaxes(1, 2)  # [N, K, BINS]
    emotion = np.array([0, 0, 0, 2, 2, 0, 2])
    records = []
    for fold in (slice(0, 2), slice(2, 7)):
        here = [utterances[fold][emotion[fold] == e] for e in range(3)]
        mean = [x.mean(axis=0).tolist() if len(x) else None for x in here]
        records.append({"utterances": [len(x) for x in here], "assignment": mean})
    found = profile(records)
    for e in (0, 2):
        np.testing.assert_allclose(found[e], utterances[emotion == e].mean(axis=0))
    assert np.isnan(found[1]).all() and found.shape == (3, 3, 10)
