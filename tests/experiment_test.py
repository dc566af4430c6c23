"""Whole trainings on small corpora. Two CPU devices, see conftest.py.

All are one of two programs, for compiling is what takes time: two seeds of four trials
on two devices, and two seeds of one trial on one.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same
from toys import CONDITION

from vladser import metrics
from vladser.condition import make, settings
from vladser.data import folds
from vladser.engine import events
from vladser.errors import InputError

pytestmark = [pytest.mark.numeric, pytest.mark.slow]

# As far from CONDITION as it goes without another program.
OTHER = make(
    **settings(CONDITION)
    | {
        "alpha": 0.4,
        "smoothing": "uniform",
        "noise": 0.1,
        "dropout": 0.1,
        "learning_rate": 0.5,
        "rho": 0.9,
        "class_weights": 1.0,
        "focal": 2.0,
        "logit_adjustment": 1.0,
    }
)


def _alone(corpus, plan, *arguments, **options):
    """Of a plan of one fold, on one device."""
    assert len(plan.folds) == 1
    devices = jax.devices()[:1]
    return toys.train(corpus, plan, *arguments, devices=devices, **options)[1]


def _same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def corpus():
    """With more utterances of one emotion: else the treatments of that do nothing."""
    even = toys.corpus()
    label = np.where(np.arange(len(even.label)) % 3 == 0, 3, even.label)
    return replace(even, label=label)


@pytest.fixture(scope="module")
def whole(corpus):
    return toys.train(corpus, toys.plan(corpus))


def test_a_training_depends_on_none_beside_it_nor_on_devices_nor_on_order(corpus):
    assert len(jax.devices()) == 2
    plan, conditions = toys.plan(corpus), (OTHER, CONDITION)
    some = plan.part([0, 1], [2, 0])
    _, together = toys.train(corpus, some, conditions)
    for n, condition in enumerate(conditions):
        for fold, place in enumerate((2, 0)):
            alone = _alone(corpus, plan.part([1, 0], [place]), [condition])
            for name in ("params", "loss", "probabilities", "failed"):
                found, expected = getattr(alone, name), getattr(together, name)
                trial = 2 * n + fold
                _same(
                    jax.tree.map(lambda x: x[:, 0], found),
                    jax.tree.map(lambda x, t=trial: x[[1, 0], t], expected),
                )
    # What is compared differs.
    kernels = together.params.head.kernel.reshape(8, -1)
    assert len(np.unique(kernels, axis=0)) == 8


def test_each_setting_of_a_condition_changes_the_training(corpus):
    plan = toys.plan(corpus, epochs=1)
    plan, kernels = plan.part([0, 1], [0]), []
    names = [
        name
        for name, value in settings(OTHER).items()
        if value != settings(CONDITION)[name]
    ]
    assert len(names) == 9
    for part in names[:3], names[3:6], names[6:]:
        of_part = [CONDITION]
        of_part += [make(**settings(CONDITION) | {n: settings(OTHER)[n]}) for n in part]
        _, outcome = toys.train(corpus, plan, of_part)
        kernels += [*outcome.params.head.kernel[0]]
    assert len({kernel.tobytes() for kernel in kernels}) == 1 + len(names)


def test_alpha_0_is_no_smoothing(corpus):
    plan = toys.plan(corpus, epochs=1).part([0, 1], [0, 1])
    conditions = (
        make(**settings(CONDITION) | {"smoothing": "none"}),
        make(**settings(CONDITION) | {"alpha": 0.0}),
    )
    _, outcome = toys.train(corpus, plan, conditions)
    none, zero = np.split(outcome.probabilities, 2, axis=1)
    _same(none, zero)


@pytest.fixture
def compiled():
    """The names of the programs that are compiled during a test."""
    names, on = [], True

    def listen(event, duration, **details):
        if on and event.endswith("backend_compile_duration"):
            names.append(details["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    on = False


def test_one_program_trains_and_one_tests(corpus, compiled):
    plan = toys.plan(corpus, epochs=1)
    jax.clear_caches()
    toys.train(corpus, plan)
    assert compiled.count("jit(train_step)") == compiled.count("jit(predict)") == 1
    compiled.clear()
    toys.train(corpus, plan._replace(seeds=(7, 8), folds=plan.folds[::-1]), [OTHER])
    assert compiled == []


@pytest.mark.parametrize("garbage", [1e30, np.nan])
def test_the_held_out_speaker_leaks_into_nothing(corpus, garbage):
    """Not into the weights, the scaler, the prior, nor the choice of an epoch."""
    made = folds.make(corpus, "speaker", "partner")
    (fold,) = [fold for fold in made if fold.held_out == "s0"]
    frames, label = corpus.frames.copy(), corpus.label.copy()
    for row in fold.test:
        start = corpus.offset[row]
        frames[start : start + corpus.length[row]] = garbage
    label[fold.test] = 3  # another prior, would it see them
    poisoned = replace(corpus, frames=frames, label=label)
    plan = toys.plan(corpus, epochs=3, made=[fold])
    clean = _alone(corpus, plan, validation=True)
    found = _alone(poisoned, plan, validation=True)
    _same(found.params, clean.params)
    _same(found.epoch, clean.epoch)


def test_standardization_by_speaker_undoes_what_a_speaker_scales(corpus):
    frames = corpus.frames.copy()
    for row in np.flatnonzero(corpus.speaker == 2):
        part = slice(corpus.offset[row], corpus.offset[row] + corpus.length[row])
        frames[part] = frames[part] * 8 + 4
    scaled = replace(corpus, frames=frames)
    plan = toys.plan(corpus, epochs=1)
    for fold in (0, 2):  # the speaker is trained on, and tested
        part = plan.part([0, 1], [fold])
        plain = _alone(corpus, part, standardize="speaker").probabilities
        found = _alone(scaled, part, standardize="speaker").probabilities
        # The moments are taken of other float32 numbers, and training amplifies that.
        np.testing.assert_allclose(found, plain, atol=1e-4)
        unlike = _alone(scaled, part).probabilities
        assert np.nanmax(abs(unlike - plain)) > 1e-2


def test_wrong_options_are_refused(corpus):
    with pytest.raises(InputError, match="unknown standardize 'speakers'"):
        toys.train(corpus, toys.plan(corpus), standardize="speakers")
    with pytest.raises(InputError, match="holding out s0: no utterance to validate on"):
        toys.train(corpus, toys.plan(corpus), validation=True)
    with pytest.raises(InputError, match="2 programs"):
        other = make(**settings(CONDITION) | {"cells": 16})
        toys.train(corpus, toys.plan(corpus), [CONDITION, other])


def test_only_test_utterances_are_predicted(corpus, whole):
    for f, fold in enumerate(toys.plan(corpus).folds):
        found = whole[1].probabilities[:, f]
        tested = np.isin(np.arange(len(corpus.label)), fold.test)
        assert (np.isfinite(found).all(axis=-1) == tested).all()
        sums = found[:, tested].sum(axis=-1)
        assert_same(sums, np.ones_like(sums), found.shape[-1])


def test_events_count_frames_and_epochs(corpus, whole):
    plan, (happened, outcome) = toys.plan(corpus), whole
    steps = [e for e in happened if isinstance(e, events.Step)]
    epochs = [e for e in happened if isinstance(e, events.Epoch)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert [e.epoch for e in steps] == [1] * plan.steps + [2] * plan.steps
    assert sum(step.frames for step in steps) == 2 * plan.training_frames()
    assert all(step.computed >= step.frames for step in steps)
    trained = [len(fold.train) for fold in plan.folds]
    assert (sum(step.rows for step in steps) == 2 * np.array(trained)).all()
    for number, epoch in enumerate(epochs):
        assert np.isnan(epoch.validation_ua).all()
        np.testing.assert_array_equal(outcome.loss[..., number], epoch.loss)
        # Each utterance counts once, whatever the size of its minibatch.
        of_epoch = [step for step in steps if step.epoch == epoch.epoch]
        total = sum(step.loss.astype(float) * step.rows for step in of_epoch)
        assert_same(epoch.loss, total / trained, plan.steps)
    assert (outcome.epoch == 2).all() and not outcome.failed.any()


def test_validation_keeps_the_best_epoch(corpus):
    plan = toys.plan(corpus, epochs=6, validation="partner")
    happened, outcome = toys.train(corpus, plan, validation=True)
    ua = [e.validation_ua for e in happened if isinstance(e, events.Epoch)]
    np.testing.assert_array_equal(outcome.validation_ua, np.stack(ua, axis=-1))
    np.testing.assert_array_equal(outcome.epoch, np.argmax(ua, axis=0) + 1)
    # The kept parameters are those that training that far would have given.
    seed, fold = np.argwhere(outcome.epoch < 6)[0]
    shorter = plan._replace(epochs=int(outcome.epoch[seed, fold]))
    _, expected = toys.train(corpus, shorter)
    _same(
        jax.tree.map(lambda p: p[seed, fold], outcome.params),
        jax.tree.map(lambda p: p[seed, fold], expected.params),
    )
    # And that epoch's UA is what they give on the validation part.
    swapped = [
        fold._replace(test=fold.validation, validation=fold.test) for fold in plan.folds
    ]
    _, found = toys.train(corpus, shorter._replace(folds=swapped))
    rows = plan.folds[fold].validation
    predicted = found.probabilities[seed, fold, rows].argmax(axis=-1)
    right = metrics.ua(metrics.confusion(corpus.label[rows], predicted, 4))
    assert right == outcome.validation_ua[seed, fold].max()


def test_a_trial_that_fails_is_named_and_the_others_go_on(corpus):
    plan = toys.plan(corpus).part([0, 1], [0, 3])
    wild = replace(CONDITION, noise=3e38)  # beyond float32 when it is drawn
    _, outcome = toys.train(corpus, plan, [CONDITION, wild])
    _, expected = toys.train(corpus, plan, [CONDITION, CONDITION])
    assert not outcome.failed[:, :2].any()
    _same(outcome.probabilities[:, :2], expected.probabilities[:, :2])
    assert (outcome.failed[:, 2:, 0] == 1).all()
    assert (outcome.failed[:, 2:, 1] >= 1).all()
    assert np.isnan(outcome.probabilities[:, 2:]).all()
    assert np.isnan(outcome.loss[:, 2:]).all()


def test_parameters_that_the_last_step_spoils_are_a_failure(corpus):
    made = folds.make(corpus, "speaker")[:1]
    frames = corpus.frames.copy()
    frames[corpus.offset[made[0].test[0]]] = np.nan  # what such parameters would give
    plan = toys.plan(corpus, made=made)
    outcome = _alone(replace(corpus, frames=frames), plan)
    last = np.array([plan.epochs, plan.steps])
    np.testing.assert_array_equal(outcome.failed, np.broadcast_to(last, (2, 1, 2)))
    assert np.isnan(outcome.probabilities).all()


def _mixtures(corpus):
    """Two kinds of frames, +d and -d, half of each: every utterance has mean zero. The
    classes differ in the direction d."""
    directions = np.array([[1, 1], [1, -1], [2, 0], [0, 2]])
    draw, frames = np.random.default_rng(0), np.zeros_like(corpus.frames)
    for start, length, label in zip(
        corpus.offset, corpus.length, corpus.label, strict=True
    ):
        signs = np.resize([1, -1], length - length % 2)
        signs = np.append(draw.permutation(signs), [0] * (length % 2))
        frames[start : start + length, :2] = signs[:, None] * directions[label]
        assert (frames[start : start + length].sum(axis=0) == 0).all()
    return replace(corpus, frames=frames)


def test_netvlad_learns_classes_that_differ_in_their_mixture_alone(corpus):
    condition = replace(CONDITION, smoothing="none", dropout=0.0, learning_rate=5.0)
    plan = toys.plan(corpus, epochs=40)
    _, outcome = toys.train(_mixtures(corpus), plan, [condition])
    for f, fold in enumerate(plan.folds):
        predicted = outcome.probabilities[:, f, fold.test].argmax(axis=-1)
        assert (predicted == corpus.label[fold.test]).all()
