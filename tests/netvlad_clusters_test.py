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
from vladser.engine import experiment
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation import netvlad_clusters
from vladser.evaluation.clustering import adjusted_rand, profile

pytestmark = pytest.mark.numeric


def _design(aggregator="netvlad(clusters=3)", corpus=None):
    corpus, own = corpus or toys.corpus(), {"cells": 6, "batch_size": 8}
    plain = make(aggregator=aggregator, smoothing="none", **own)
    soft = make(aggregator=aggregator, smoothing="uniform", **own)
    return toys.design(corpus, [plain, soft], [0, 7])


def _shapes(design):
    init = partial(model.init, spec=design.specification(0))
    return jax.eval_shape(init, jax.random.key(0))


def _parts(design):
    """Untrained, but each trial with weights of its own."""
    draw = np.random.default_rng(1)
    leaves = [
        draw.normal(size=(*design.shape, *leaf.shape)).astype(np.float32)
        for leaf in jax.tree.leaves(_shapes(design))
    ]
    whole = Results(*[None] * 7, params=leaves)
    return [(TrialBatch(*map(range, design.shape)), whole)]


def _clusters(design):
    return dict(netvlad_clusters.of_results(design, _parts(design)))


@pytest.fixture(scope="module")
def found():
    return _clusters(_design())


def _naive(design, seed, condition, fold):
    """Assignment [E, K, 10] and each test utterance's dominant cluster."""
    (data, *_), _, trials = experiment.prepare(design)
    ((_, whole),) = _parts(design)
    leaves = [leaf[seed, condition, fold] for leaf in whole.params]
    params = jax.tree.unflatten(jax.tree.structure(_shapes(design)), leaves)
    trial = jax.tree.map(lambda x: x[seed, condition * 4 + fold], trials)
    w, b, _ = params.aggregator
    rows = design.folds[fold].test
    shares, dominant = [], []
    for row in rows:
        start, length = data.offset[row], data.length[row]
        frames = data.frames[start : start + length].astype(np.float64)
        frames = (frames - trial.mean) * trial.scale
        (hidden,) = oracles.lstm(params.encoder, frames[None], [length])
        assignment = np.array([oracles.softmax(w @ x + b) for x in hidden])
        # Ten ticks a frame: then each tenth has as many ticks as there are frames.
        ticks = np.repeat(assignment, 10, axis=0)
        shares.append([tenth.mean(axis=0) for tenth in np.split(ticks, 10)])
        dominant.append(assignment.sum(axis=0).argmax())
    shares, label = np.array(shares), data.label[rows]
    of_emotions = [shares[label == e].mean(axis=0).T for e in range(4)]
    return np.array(of_emotions), dominant


@pytest.mark.slow
def test_equals_loops_over_frames(found):
    from sklearn.metrics import adjusted_rand_score

    design = _design()
    (corpus, _) = design.datasets
    assert corpus.length.min() < netvlad_clusters.BINS < corpus.length.max()
    assert found[0].assignment.shape == (2, 4, 4, 3, netvlad_clusters.BINS)
    for seed, condition, fold in [(0, 0, 0), (0, 1, 2), (1, 0, 3), (1, 1, 1)]:
        assignment, dominant = _naive(design, seed, condition, fold)
        of, rows = found[condition], design.folds[fold].test
        assert_same(of.assignment[seed, fold], assignment, 40 * (5 + 6))
        expected = adjusted_rand_score(corpus.label[rows], dominant)
        assert of.adjusted_rand[seed, fold] == pytest.approx(expected, abs=1e-12)
        counts = np.bincount(corpus.label[rows])
        np.testing.assert_array_equal(of.utterances[fold], counts)


@pytest.mark.slow
def test_an_emotion_that_a_fold_lacks_is_nan():
    whole = toys.corpus()
    # The first speaker's other utterances are the second's.
    moved = (whole.speaker == 0) & (whole.label != 2)
    corpus = replace(whole, speaker=np.where(moved, 1, whole.speaker))
    of = _clusters(_design(corpus=corpus))[1]
    assert np.isnan(of.assignment[:, 0][:, [0, 1, 3]]).all()
    assert np.isfinite(of.assignment[:, 0, 2]).all()
    assert np.isnan(of.adjusted_rand[:, 0]).all()
    assert np.isfinite(of.assignment[:, 1:]).all()


def test_other_aggregators_have_no_clusters():
    assert _clusters(_design("mean")) == {}
    assert not netvlad_clusters.applies(make(encoder="bilstm"))


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
