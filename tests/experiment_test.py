"""Whole trainings on small corpora. Two CPU devices, see conftest.py.

All are one of two programs, for compiling is what takes time: two seeds of four trials,
and two seeds of one.
"""

from dataclasses import replace

import numpy as np
import pytest
import toys
from closeness import assert_equal, assert_same
from toys import CONDITION

from vladser import metrics
from vladser.data import folds
from vladser.engine import events
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import InputError
from vladser.registry import optimizers

pytestmark = pytest.mark.slow


def _alone(whole, fold):
    """The trials of one fold."""
    return toys.train(whole, TrialBatch([0, 1], [0], [fold]))[1]


@pytest.fixture(scope="module")
def corpus():
    """With more utterances of one emotion: else the treatments of that do nothing."""
    even = toys.corpus()
    label = np.where(np.arange(len(even.label)) % 3 == 0, 3, even.label)
    return replace(even, label=label)


def test_one_program_trains_and_one_tests(corpus, compiled):
    design = toys.design(corpus)
    toys.train(design)
    assert compiled.count("jit(train_step)") == compiled.count("jit(evaluate)") == 1
    compiled.clear()
    toys.train(toys.design(corpus, [toys.OTHER], (7, 8), design.folds[::-1]))
    assert compiled == []


@pytest.mark.parametrize("garbage", [1e30, np.nan])
def test_the_held_out_speaker_leaks_into_nothing(corpus, garbage):
    """Not into the weights, the scaler, the prior, nor the choice of an epoch."""
    made = folds.make(corpus, "speaker", "partner")
    (fold,) = [fold for fold in made if fold.held_out == "s0"]
    frames, label = corpus.frames.copy(), corpus.label.copy()
    for row in fold.test:
        frames[toys.span(corpus, row)] = garbage
    label[fold.test] = 3  # another prior, would it see them
    poisoned = replace(corpus, frames=frames, label=label)
    conditions = [toys.but(epochs=3)]
    clean, found = (
        _alone(toys.design(data, conditions, made=[fold], validation=True), 0)
        for data in (corpus, poisoned)
    )
    assert_equal((found.params, found.epoch), (clean.params, clean.epoch))


def test_standardization_by_speaker_undoes_what_a_speaker_scales(corpus):
    frames = corpus.frames.copy()
    for row in np.flatnonzero(corpus.speaker == 2):
        span = toys.span(corpus, row)
        frames[span] = frames[span] * 8 + 4
    scaled = replace(corpus, frames=frames)

    def probabilities(data, fold, standardize):
        design = toys.design(data, [toys.but(epochs=1)], standardize=standardize)
        return _alone(design, fold).probabilities[0]

    for fold in (0, 2):  # the speaker is trained on, and tested
        plain = probabilities(corpus, fold, "speaker")
        # The moments are taken of other float32 numbers, and training amplifies that.
        found = probabilities(scaled, fold, "speaker")
        np.testing.assert_allclose(found, plain, atol=1e-4)
        assert abs(probabilities(scaled, fold, "train") - plain).max() > 1e-2


def test_wrong_options_are_refused(corpus):
    with pytest.raises(InputError, match="one of train, speaker, got"):
        toys.train(toys.design(corpus, standardize="speakers"))
    with pytest.raises(InputError, match="s0: expected utterances to validate on"):
        toys.train(replace(toys.design(corpus), validation=True))
    adam = replace(CONDITION, optimizer=optimizers.parse("adam"))
    changed = {"cells": 16}, {"epochs": 3}, {"batch_size": 4}
    for other in adam, *(toys.but(**own) for own in changed):
        with pytest.raises(InputError, match="do not share one program"):
            toys.train(toys.design(corpus, [CONDITION, other]))


def test_events_count_frames_and_epochs(corpus):
    design = toys.design(corpus)
    plan, (happened, results) = design.plan(0), toys.train(design)
    steps = [e for e in happened if isinstance(e, events.Step)]
    epochs = [e for e in happened if isinstance(e, events.Epoch)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert [e.epoch for e in steps] == [1] * plan.steps + [2] * plan.steps
    assert sum(step.frames for step in steps) == 2 * plan.training_frames()
    assert all(step.computed >= step.frames for step in steps)
    trained = [len(fold.train) for fold in plan.folds]
    for number, epoch in enumerate(epochs):
        assert np.isnan(epoch.validation_ua).all()
        assert_equal(results.loss[:, 0, :, number], epoch.loss)
    for fold, tested in zip(plan.folds, results.probabilities, strict=True):
        assert tested.shape == (2, 1, len(fold.test), 4)
        assert_same(tested.sum(axis=-1), np.ones(tested.shape[:-1]), 4)
    assert (results.epoch == 2).all() and not results.failed.any()
    assert (results.rows == 2 * np.array(trained)).all() and not results.leaked.any()


def test_each_utterance_counts_once_in_the_loss_of_an_epoch(corpus):
    """Where nothing is drawn or learned, epochs differ by their minibatches alone."""
    still = toys.but(noise=0.0, dropout=0.0, learning_rate=1e-30)
    _, results = toys.train(toys.design(corpus, [still]))
    first, second = np.moveaxis(results.loss.astype(np.float32), -1, 0)
    assert_same(second, first, 40 * (5 + 4))


def test_validation_keeps_the_best_epoch(corpus):
    design = toys.design(corpus, [toys.but(epochs=6)], validation=True)
    happened, results = toys.train(design)
    epoch, of_epochs = results.epoch[:, 0], results.validation_ua[:, 0]
    ua = np.dstack([e.validation_ua for e in happened if isinstance(e, events.Epoch)])
    assert_equal((of_epochs, epoch), (ua, ua.argmax(axis=-1) + 1))
    # The kept parameters are those that training that far would have given.
    seed, fold = np.argwhere(epoch < 6)[0]
    shorter = [toys.but(epochs=int(epoch[seed, fold]))]
    # And that epoch's UA is what they give on the validation part.
    swapped = [f._replace(test=f.validation, validation=f.test) for f in design.folds]
    _, expected = toys.train(toys.design(corpus, shorter, made=swapped))
    kept, right = (
        [leaf[seed, 0, fold] for leaf in of.params] for of in (results, expected)
    )
    assert_equal(kept, right)
    predicted = expected.probabilities[fold][seed, 0].argmax(axis=-1)
    label = corpus.label[design.folds[fold].validation]
    right = metrics.ua(metrics.confusion(label, predicted, 4))
    assert right == of_epochs[seed, fold].max()


def test_parameters_that_the_last_step_spoils_are_a_failure(corpus):
    made = folds.make(corpus, "speaker")[:1]
    frames = corpus.frames.copy()
    frames[corpus.offset[made[0].test[0]]] = np.nan  # what such parameters would give
    design = toys.design(replace(corpus, frames=frames), made=made)
    results = _alone(design, 0)
    assert (results.failed == [2, design.plan(0).steps]).all()
    assert np.isnan(results.probabilities[0]).all()


def _mixture(label, length, draw):
    """Frames +d and -d, half of each, which have mean zero; classes differ in d."""
    direction = np.zeros(5)
    direction[:2] = [(1, 1), (1, -1), (2, 0), (0, 2)][label]
    signs = [*draw.permutation(np.resize([1, -1], length - length % 2))]
    return np.outer(signs + [0] * (length % 2), direction)


def test_netvlad_learns_classes_that_differ_in_their_mixture_alone():
    corpus = toys.corpus(frames=_mixture)
    own = {"smoothing": "none", "dropout": 0.0, "learning_rate": 5.0, "epochs": 40}
    design = toys.design(corpus, [toys.but(**own)])
    _, results = toys.train(design)
    for fold, tested in zip(design.folds, results.probabilities, strict=True):
        assert (tested[:, 0].argmax(axis=-1) == corpus.label[fold.test]).all()
