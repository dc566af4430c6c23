"""Trainings on pieces, and what readouts make of them; two CPU devices.

Conditions that differ in their readout alone are the same training.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest
import toys
from closeness import assert_equal, assert_same

from vladser import metrics, registry
from vladser.condition import make
from vladser.data import cutting, folds
from vladser.engine import experiment, trial_batches
from vladser.engine.events import Checkpoint, Outcome
from vladser.engine.on_devices import OnDevices
from vladser.engine.trial_batches import TrialBatch
from vladser.models import inference
from vladser.models.bundle import Bundle

pytestmark = pytest.mark.slow

READOUTS = ("softmax", "elm(hidden=6,ridge=0.1)", "svm")
SOFTMAX, ELM, SVM = CONDITIONS = [
    make(
        pieces="windows(frames=10,hop=6,silence=9.0)",
        aggregator="mean",
        cells=4,
        epochs=3,
        batch_size=12,
        readout=readout,
    )
    for readout in READOUTS
]


def _with_energy(corpus):
    energy = np.random.default_rng(3).exponential(size=corpus.length.sum())
    return replace(corpus, energy=energy.astype(np.float32))


CORPUS = _with_energy(toys.corpus())
DESIGN = toys.design(CORPUS, CONDITIONS, validation=True)


def _outcome(design, batch=None, **options):
    *_, outcome = experiment.run(design, batch, **options)
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.fixture(scope="module")
def outcome():
    return _outcome(DESIGN)


def _bundle(outcome, seed, condition, fold):
    place = seed, condition * len(DESIGN.folds) + fold
    return Bundle(
        emotions=toys.EMOTIONS,
        feature_set="toy",
        condition=CONDITIONS[condition],
        mean=outcome.trials.mean[place],
        scale=outcome.trials.scale[place],
        params=jax.tree.map(lambda leaf: leaf[place], outcome.params),
        about={},
        fitted=outcome.fitted[seed][condition][fold],
    )


@pytest.mark.parametrize("condition", range(3))
def test_a_model_says_of_utterances_what_its_training_was_tested_by(outcome, condition):
    fold = DESIGN.folds[2]
    spans = [toys.span(CORPUS, row) for row in fold.test]
    given = ([of[span] for span in spans] for of in (CORPUS.frames, CORPUS.energy))
    found = inference.classify(_bundle(outcome, 1, condition, 2), *given)
    expected = outcome.results.probabilities[2][1, condition]
    assert expected.shape == (len(fold.test), 4)
    if condition == 0:
        assert_same(found.probabilities, expected, 10 * (5 + 4))
    else:  # what is solved for amplifies roundings
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-3)


def test_what_is_fitted_has_seen_the_training_set_through_the_same_network(outcome):
    fold, (seed, place) = DESIGN.folds[1], (1, 1)
    plain = _bundle(outcome, seed, 0, place)  # the same training
    training = [toys.span(CORPUS, row) for row in fold.train]
    pieces, parent = [], []
    for number, span in enumerate(training):
        cut = cutting.spans(ELM.pieces, span.stop - span.start, CORPUS.energy[span])
        pieces += [CORPUS.frames[span][a : a + length] for a, length in cut]
        parent += [number] * len(cut)
    alone = replace(plain, condition=replace(SOFTMAX, pieces=make().pieces))
    walked = replace(alone, emotions=(*toys.EMOTIONS, "silence"))
    values = inference.classify(walked, pieces)
    labels = CORPUS.label[fold.train]
    for condition, seen in (1, values.probabilities), (2, values.embedding):
        readout = registry.readouts.build(CONDITIONS[condition].readout)
        vectors = readout.describe(seen, np.array(parent), len(training))
        expected = readout.fit(DESIGN.seeds[seed], vectors, labels, 4)
        fitted = outcome.fitted[seed][condition][place]
        found, right = (readout.scores(f, vectors) for f in (fitted, expected))
        if condition == 1:
            np.testing.assert_allclose(found, right, atol=1e-2)
        else:  # libsvm stops at 1e-3, and counts pairs that are won
            apart = abs(fitted["support"][:, None] - vectors).max(axis=-1)
            assert apart.min(axis=1).max() < 1e-4
            alike = found.argmax(axis=1) == right.argmax(axis=1)
            assert alike.mean() > 0.9
    assert outcome.fitted[seed][0][place] == {}


@pytest.mark.parametrize(
    "batch",
    [
        TrialBatch([0, 1], [1], [0, 1, 2, 3]),
        TrialBatch([0, 1], [0, 2], [1, 3]),
        TrialBatch([1], [2], [1]),
    ],
)
def test_results_do_not_depend_on_the_trials_beside(outcome, batch):
    seeds, conditions, chosen = batch
    found = _outcome(DESIGN, batch)
    for number, place in enumerate(chosen):
        expected = outcome.results.probabilities[place][np.ix_(seeds, conditions)]
        assert_equal(found.results.probabilities[number], expected)
    places = np.ix_(seeds, conditions, chosen)
    for name in ("epoch", "loss", "validation_ua", "rows", "params"):
        whole = getattr(outcome.results, name)
        assert_equal(
            getattr(found.results, name), jax.tree.map(lambda x: x[places], whole)
        )
    expected = [
        [[outcome.fitted[s][c][f] for f in chosen] for c in conditions] for s in seeds
    ]
    assert_equal(found.fitted, expected)


def test_a_training_goes_on_from_a_checkpoint_to_the_bit(outcome):
    happened = experiment.run(DESIGN, due=lambda: True)
    first = next(event for event in happened if isinstance(event, Checkpoint))
    assert first.epoch == 1
    again = _outcome(DESIGN, resume=first)
    assert_equal(again.results, outcome.results)
    assert_equal(again.fitted, outcome.fitted)


def test_the_epoch_is_chosen_by_the_networks_own_view_of_utterances(outcome):
    results = outcome.results
    for condition in 1, 2:  # whatever the readout
        assert_equal(results.epoch[:, condition], results.epoch[:, 0])
    swapped = [f._replace(test=f.validation, validation=f.test) for f in DESIGN.folds]
    seed, fold = np.argwhere(results.epoch[:, 0] < 3)[0]
    best = int(results.epoch[seed, 0, fold])
    design = toys.design(CORPUS, [replace(SOFTMAX, epochs=best)], made=swapped)
    predicted = _outcome(design).results.probabilities[fold][seed, 0].argmax(axis=-1)
    label = CORPUS.label[DESIGN.folds[fold].validation]
    ua = metrics.ua(metrics.confusion(label, predicted, 4))
    assert ua == results.validation_ua[seed, 0, fold].max()


def test_readouts_see_nothing_of_the_test_set(outcome):
    frames, label = CORPUS.frames.copy(), CORPUS.label.copy()
    (fold,) = [fold for fold in DESIGN.folds if fold.held_out == "s0"]
    for row in fold.test:
        frames[toys.span(CORPUS, row)] = np.nan
    label[fold.test] = 3
    poisoned = replace(CORPUS, frames=frames, label=label)
    # With the others a program that is compiled.
    design = toys.design(poisoned, CONDITIONS, made=DESIGN.folds, validation=True)
    found, place = _outcome(design), DESIGN.folds.index(fold)
    assert np.isnan(found.results.probabilities[place]).all()
    for seed in range(2):
        for condition in range(3):
            assert_equal(
                found.fitted[seed][condition][place],
                outcome.fitted[seed][condition][place],
            )


def test_a_training_that_fails_is_not_read_out_and_spoils_no_other():
    wild = [replace(condition, noise=3e38) for condition in CONDITIONS]
    design = toys.design(CORPUS, [ELM, *wild[:2]])
    found, alone = _outcome(design), _outcome(design, TrialBatch([0, 1], [0], range(4)))
    assert (found.results.failed[:, 1:, :, 0] > 0).all()
    assert not found.results.failed[:, 0].any()
    for place in range(4):
        tested = found.results.probabilities[place]
        assert np.isnan(tested[:, 1:]).all()
        assert_equal(tested[:, :1], alone.results.probabilities[place])
    assert found.fitted[0][2][0] == found.fitted[1][2][3] == {}


def test_a_training_without_a_test_fails_where_its_readout_cannot_be_fitted(
    monkeypatch,
):
    evaluate = OnDevices.evaluate

    def spoilt(*args):
        return [of_fold * np.nan for of_fold in evaluate(*args)]

    monkeypatch.setattr(OnDevices, "evaluate", spoilt)
    everyone = folds.make(CORPUS, "none")
    found = _outcome(toys.design(CORPUS, [SOFTMAX, ELM], made=everyone))
    steps = toys.design(CORPUS, [ELM], made=everyone).plan(0).steps
    assert found.results.failed.tolist() == [[[[0, 0]], [[3, steps]]]] * 2
    assert found.fitted == [[[{}], [{}]]] * 2


def test_shares_are_of_pieces_and_the_scaler_is_of_utterances():
    whole = toys.design(CORPUS, [replace(SOFTMAX, pieces=make().pieces)], [0])
    rows, _, trials = experiment.prepare(toys.design(CORPUS, [SOFTMAX], [0]))
    _, _, expected = experiment.prepare(whole)
    assert_equal((trials.mean, trials.scale), (expected.mean, expected.scale))
    for number, fold in enumerate(DESIGN.folds):
        # What DESIGN validates on is trained on here.
        labels = rows.data.label[~np.isin(rows.parent, fold.test)]
        shares = [np.mean(labels == k) for k in range(5)]
        assert_same(trials.objective.prior[0, number], np.float32(shares), 5)


def test_pieces_are_cut_alike_where_frames_are_standardized_by_speaker():
    plain = toys.design(CORPUS, [SOFTMAX], [0])
    rows, _, trials = experiment.prepare(replace(plain, standardize="speaker"))
    expected = plain.rows(0)
    for name in "offset", "length", "label":
        assert_equal(getattr(rows.data, name), getattr(expected.data, name))
    assert_equal(rows.parent, expected.parent)
    assert not trials.mean.any() and (trials.scale == 1).all()
    for speaker in range(4):
        mine = np.flatnonzero(CORPUS.speaker == speaker)
        spans = [rows.data.frames[toys.span(CORPUS, row)] for row in mine]
        frames = np.concatenate(spans).astype(float)
        np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("frames", [16, 20, 33])
def test_pieces_take_the_memory_of_utterances_of_their_length(frames):
    short = replace(CORPUS, length=np.minimum(CORPUS.length, frames))
    pieces = make(cells=4, pieces=f"first(frames={frames})")
    first, alone = TrialBatch([0], [0], [0]), replace(pieces, pieces=make().pieces)
    found = trial_batches.memory(toys.design(CORPUS, [pieces]), first)
    assert found == trial_batches.memory(toys.design(short, [alone]), first)
    assert found <= trial_batches.memory(toys.design(CORPUS, [alone]), first)


def _toy(frames):
    corpus = toys.corpus(dim=5, frames=frames, longest=40)
    energy = np.abs(corpus.frames[: corpus.length.sum(), 4])
    seen = corpus.frames.copy()
    seen[:, 4] = 0
    return replace(corpus, frames=seen, energy=energy)


def _ua(corpus, **own):
    """Of plain softmax regression, on two folds."""
    given = {"encoder": "none", "smoothing": "none", "noise": 0.0, "dropout": 0.0}
    given |= {"batch_size": 32, "epochs": 8, "learning_rate": 10.0}
    made = folds.make(corpus, "session")
    design = toys.design(corpus, [make(**given | own)], [0], made)
    tested = _outcome(design).results.probabilities
    predicted = np.concatenate([of[0, 0].argmax(axis=-1) for of in tested])
    label = np.concatenate([corpus.label[fold.test] for fold in design.folds])
    return metrics.ua(metrics.confusion(label, predicted, 4))


def test_windows_learn_an_emotion_that_only_the_end_of_an_utterance_has():
    def frames(label, length, draw):
        length += 10
        made = draw.normal(0, 0.1, (length, 5))
        made[-3:, label] += 3
        made[:3, label] -= 3  # of the whole nothing is left
        return made

    corpus = _toy(frames)
    found = _ua(corpus, pieces="windows(frames=4,hop=11)", aggregator="final")
    assert found > 0.9 and _ua(corpus, aggregator="mean") < 0.6


def test_the_loudest_segments_have_an_emotion_that_quiet_speech_hides():
    def frames(label, length, draw):
        length += 20
        made = draw.normal(0, 0.1, (length, 5))
        made[:, draw.integers(4)] += 3  # as of any emotion
        made[:, 4] = 1
        loud = draw.integers(length - 10)
        made[loud : loud + 8, :4] = draw.normal(0, 0.1, (8, 4)) + 3 * np.eye(4)[label]
        made[loud : loud + 8, 4] = 100
        return made

    corpus = _toy(frames)
    loudest = "loudest(frames=5,share={})".format
    few, all = (_ua(corpus, pieces=loudest(x), aggregator="mean") for x in (0.1, 1.0))
    assert few > 0.9 and all < 0.6
