"""What the contestants of the benchmark train on."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch.benchmarking import corpora, lengths, workloads
from vladser.corpora import emotions, iemocap
from vladser.corpora.readers import read
from vladser.features.extraction import DEFAULT, expect

COUNTS = {"a": (4, 5, 3, 4), "b": (4, 4, 4, 4), "c": (9, 8, 9, 8)}
LENGTHS = np.random.default_rng(1).integers(3, 30, 66)


def small(trainings=3, frames=1, rounds=3):
    corpus = corpora.noise(COUNTS, LENGTHS)
    return workloads.make("small", corpus, trainings, frames, rounds)


def live(rows, trial):
    """The utterances of a training in all steps, sorted."""
    return sorted(rows[:, trial][rows[:, trial] >= 0])


@pytest.mark.parametrize(
    ("count", "median", "longest", "total"),
    [(339, 254, 893, 93_847), (5531, 360, 3410, 2_516_400)],
)
def test_lengths_meet_what_is_known_of_a_corpus(count, median, longest, total):
    found = lengths.lognormal(count, median, longest, total)
    assert len(found) == count
    assert np.median(found) == median
    assert found.max() == longest
    assert abs(found.sum() - total) < 1e-3 * total
    assert found.min() > 20
    assert abs(np.corrcoef(found, np.arange(count))[0, 1]) < 0.1


def test_iemocap_has_its_published_counts():
    counts = np.array(list(iemocap.COUNTS.values()))
    assert counts.shape == (10, 4)
    assert counts.sum(axis=0).tolist() == [1103, 1636, 1084, 1708]


def test_noise_like_emodb_has_its_counts_and_lengths():
    if "VLADSER_EMODB" not in os.environ:
        pytest.skip("VLADSER_EMODB is not set")
    every = read("emodb", Path(os.environ["VLADSER_EMODB"]))
    four, _ = emotions.select(every, tuple((name,) for name in corpora.CLASSES))
    counts = Counter((u.speaker, u.emotion) for u in four.utterances)
    for speaker, of_speaker in corpora.EMODB.items():
        assert of_speaker == tuple(counts[speaker, name] for name in corpora.CLASSES)
    real = [*expect(four.utterances, DEFAULT, 60.0)[0].values()]
    like = corpora.emodb(None, Path()).length
    assert (np.median(like), like.max()) == (np.median(real), max(real))
    assert like.sum() == pytest.approx(sum(real), rel=1e-3)


@pytest.mark.usefixtures("quick_workers")
def test_emodb_has_real_features_where_it_is_at_hand(tmp_path):
    (tmp_path / "wav").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    for name in ("03a01Wa", "03a01Fa", "03a01Tc", "08a01Na", "08a02Wb", "08a01Lc"):
        soundfile.write(tmp_path / "wav" / f"{name}.wav", noise, 16000)
    corpus = corpora.emodb(tmp_path, tmp_path / "cache")
    assert corpus.frames.shape[1] == corpora.FEATURES
    assert corpus.feature_set.startswith("vladser147")
    assert len(corpus.length) == 5


def test_noise_has_the_counts_and_lengths_it_is_told():
    corpus = corpora.noise(COUNTS, LENGTHS)
    np.testing.assert_array_equal(corpus.length, LENGTHS)
    for speaker, counts in zip(range(3), COUNTS.values(), strict=True):
        found = np.bincount(corpus.label[corpus.speaker == speaker])
        assert tuple(found) == counts


def test_a_round_of_an_epoch_has_each_training_row_once():
    workload = small(frames=10**3)
    assert workload.plan.training_frames() > 10**3
    workload = small(frames=workload.plan.training_frames())
    rows = workload.sorted_rows(0)
    for trial, fold in enumerate(workload.plan.folds):
        assert live(rows, trial) == fold.train.tolist()


def test_a_small_round_is_a_part_and_a_large_one_several_epochs():
    whole = small().plan.training_frames()
    assert len(small(frames=1).round(0)) == 1
    rows = small(frames=3 * whole, rounds=1).sorted_rows(0)
    for trial, fold in enumerate(small().plan.folds):
        assert live(rows, trial) == np.repeat(fold.train, 3).tolist()


def test_rounds_differ_and_repeat():
    workload = small(frames=small().plan.training_frames())
    assert (workload.sorted_rows(0) != workload.sorted_rows(1)).any()
    np.testing.assert_array_equal(workload.sorted_rows(1), workload.sorted_rows(1))


def test_random_minibatches_hold_the_same_utterances():
    workload = small(trainings=6, frames=2 * small().plan.training_frames())
    ours, dealt = workload.sorted_rows(1), workload.random_rows(1)
    assert ours.shape == dealt.shape
    assert ours.shape[1:] == (6, workloads.BATCH_SIZE)
    for trial in range(6):
        assert live(ours, trial) == live(dealt, trial)
    assert (ours != dealt).any()


def test_random_minibatches_of_a_part_have_lengths_of_the_whole():
    workload = small(frames=1)
    assert workload.random_rows(0).shape == workload.sorted_rows(0).shape
    spreads = [
        np.ptp(LENGTHS[rows[rows >= 0]])
        for rows in (workload.sorted_rows(0)[0, 0], workload.random_rows(0)[0, 0])
    ]
    assert spreads[1] > 20 > spreads[0]


def test_trainings_beyond_the_speakers_are_seeds():
    plan = small(trainings=6).plan
    assert (len(plan.folds), list(plan.seeds)) == (3, [0, 1])
    plan = small(trainings=2).plan
    assert (len(plan.folds), list(plan.seeds)) == (2, [0])
