"""Whole trainings on small corpora. Two CPU devices, see conftest.py."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from vladser import aggregators, batches, experiment, folds, metrics, training
from vladser.errors import InputError
from vladser.types import Condition

CONDITION = Condition(aggregators.parse("netvlad(clusters=2)"), cells=8)


def _plan(corpus, seeds=(0, 1), epochs=2, made=None, validation="none"):
    made = made or folds.make(corpus, "speaker", validation)
    return batches.plan(corpus.length, made, seeds, epochs, 8)


def _outcome(corpus, plan, conditions=(CONDITION,), **options):
    *events, outcome = experiment.run(corpus, conditions, plan, **options)
    return events, outcome


def _same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus()


@pytest.fixture(scope="module")
def whole(corpus):
    return _outcome(corpus, _plan(corpus))


def test_a_trial_alone_equals_the_same_trial_among_others(corpus, whole):
    plan = _plan(corpus)
    for seed, fold in [(0, 0), (1, 2), (0, 3)]:
        _, outcome = _outcome(corpus, plan.part([seed], [fold]))
        _same(
            jax.tree.map(lambda p: p[0, 0], outcome.params),
            jax.tree.map(lambda p, s=seed, f=fold: p[s, f], whole[1].params),
        )


def test_the_number_of_devices_changes_nothing(corpus, whole):
    assert len(jax.devices()) == 2
    _, one = _outcome(corpus, _plan(corpus), devices=jax.devices()[:1])
    _same(one.params, whole[1].params)
    _same(one.probabilities, whole[1].probabilities)


def test_conditions_trained_together_equal_those_trained_alone(corpus):
    plan = _plan(corpus, seeds=(3,))
    conditions = [
        replace(CONDITION, smoothing="none"),
        replace(CONDITION, alpha=0.4, dropout=0.1),
        replace(CONDITION, smoothing="uniform", noise=0.1, rho=0.9),
        replace(CONDITION, class_weights=1.0, focal=2.0, logit_adjustment=1.0),
    ]
    _, together = _outcome(corpus, plan, conditions)
    for n, condition in enumerate(conditions):
        _, alone = _outcome(corpus, plan, [condition])
        part = slice(n * len(plan.folds), (n + 1) * len(plan.folds))
        _same(
            alone.params, jax.tree.map(lambda p, part=part: p[:, part], together.params)
        )
    different = together.probabilities.reshape(len(conditions), -1)
    assert (different[0] != different[1]).any()
    assert (different[1] != different[2]).any()
    assert (different[2] != different[3]).any()


def test_alpha_0_is_no_smoothing(corpus):
    plan = _plan(corpus, seeds=(0,))
    conditions = [replace(CONDITION, smoothing="none"), replace(CONDITION, alpha=0.0)]
    _, outcome = _outcome(corpus, plan, conditions)
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
    plan = _plan(corpus)
    jax.clear_caches()
    _outcome(corpus, plan)
    assert compiled.count("jit(train_step)") == compiled.count("jit(predict)") == 1
    compiled.clear()
    other = replace(
        CONDITION,
        alpha=0.5,
        dropout=0.2,
        smoothing="uniform",
        rho=0.8,
        noise=0.3,
        learning_rate=0.5,
        class_weights=1.0,
        focal=2.0,
        logit_adjustment=0.5,
    )
    _outcome(corpus, plan._replace(seeds=(7, 8), folds=plan.folds[::-1]), [other])
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
    plan = _plan(corpus, epochs=3, made=[fold])
    _, clean = _outcome(corpus, plan, validation=True)
    _, found = _outcome(poisoned, plan, validation=True)
    _same(found.params, clean.params)
    _same(found.epoch, clean.epoch)


def test_standardization_by_speaker_undoes_what_a_speaker_scales(corpus):
    frames = corpus.frames.copy()
    for row in np.flatnonzero(corpus.speaker == 2):
        part = slice(corpus.offset[row], corpus.offset[row] + corpus.length[row])
        frames[part] = frames[part] * 8 + 4
    scaled = replace(corpus, frames=frames)
    plan = _plan(corpus, seeds=(0,), epochs=1)
    _, plain = _outcome(corpus, plan, standardize="speaker")
    _, found = _outcome(scaled, plan, standardize="speaker")
    # The moments are taken of other float32 numbers.
    np.testing.assert_allclose(found.probabilities, plain.probabilities, atol=1e-4)


def test_wrong_options_are_refused(corpus):
    with pytest.raises(InputError, match="unknown standardize 'speakers'"):
        _outcome(corpus, _plan(corpus), standardize="speakers")
    with pytest.raises(InputError, match="holding out s0: no utterance to validate on"):
        _outcome(corpus, _plan(corpus), validation=True)


def test_only_test_utterances_are_predicted(corpus, whole):
    for f, fold in enumerate(_plan(corpus).folds):
        tested = np.isfinite(whole[1].probabilities[:, f]).all(axis=-1)
        expected = np.isin(np.arange(len(corpus.label)), fold.test)
        assert (tested == expected).all()
    sums = np.nansum(whole[1].probabilities, axis=-1)
    np.testing.assert_allclose(sums[sums > 0], 1, rtol=1e-5)


def test_events_count_frames_and_epochs(corpus, whole):
    plan, events = _plan(corpus), whole[0]
    steps = [e for e in events if isinstance(e, experiment.Step)]
    epochs = [e for e in events if isinstance(e, experiment.Epoch)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert sum(step.frames for step in steps) == 2 * plan.training_frames()
    assert all(step.computed >= step.frames for step in steps)
    assert all(
        e.loss.shape == (2, 4) and np.isnan(e.validation_ua).all() for e in epochs
    )
    np.testing.assert_array_equal(whole[1].loss[..., 1], epochs[1].loss)


def test_validation_keeps_the_best_epoch(corpus):
    plan = _plan(corpus, epochs=6, validation="partner")
    events, outcome = _outcome(corpus, plan, validation=True)
    ua = np.stack([e.validation_ua for e in events if isinstance(e, experiment.Epoch)])
    np.testing.assert_array_equal(outcome.epoch, ua.argmax(axis=0) + 1)
    # The kept parameters are those that training that far would have given.
    seed, fold = np.argwhere(outcome.epoch < 6)[0]
    shorter = plan._replace(epochs=int(outcome.epoch[seed, fold]))
    _, expected = _outcome(corpus, shorter)
    _same(
        jax.tree.map(lambda p: p[seed, fold], outcome.params),
        jax.tree.map(lambda p: p[seed, fold], expected.params),
    )


def test_a_trial_that_fails_is_named_and_the_others_go_on(corpus, whole):
    plan = _plan(corpus)
    wild = replace(CONDITION, noise=3e38)  # beyond float32 when it is drawn
    _, outcome = _outcome(corpus, plan, [CONDITION, wild])
    trials = len(plan.folds)
    assert not outcome.failed[:, :trials].any()
    _same(outcome.probabilities[:, :trials], whole[1].probabilities)
    assert (outcome.failed[:, trials:, 0] == 1).all()
    assert (outcome.failed[:, trials:, 1] >= 1).all()
    assert np.isnan(outcome.probabilities[:, trials:]).all()
    assert np.isnan(outcome.loss[:, trials:]).all()


def test_a_gradient_that_is_not_finite_is_a_failure_of_its_step(corpus, monkeypatch):
    def spoilt(*args):
        value, gradient, space = honest(*args)
        wrong = jnp.where(args[2].seed == 1, jnp.nan, 0)
        return value, gradient._replace(bias=gradient.bias + wrong), space

    honest = training.value_and_gradient
    monkeypatch.setattr(training, "value_and_gradient", spoilt)
    jax.clear_caches()
    _, outcome = _outcome(corpus, _plan(corpus))
    jax.clear_caches()
    assert not outcome.failed[0].any()
    assert (outcome.failed[1, :, 0] == 1).all()
    first = [next(iter(_plan(corpus).epoch(1)))[1, f] for f in range(4)]
    assert ((outcome.failed[1, :, 1] == 1) == (np.max(first, axis=1) >= 0)).all()


def test_parameters_that_the_last_step_spoils_are_a_failure(corpus):
    made = folds.make(corpus, "speaker")[:1]
    frames = corpus.frames.copy()
    frames[corpus.offset[made[0].test[0]]] = np.nan  # what such parameters would give
    plan = _plan(corpus, made=made, seeds=(0,))
    _, outcome = _outcome(replace(corpus, frames=frames), plan)
    np.testing.assert_array_equal(outcome.failed, [[[plan.epochs, plan.steps]]])
    assert np.isnan(outcome.probabilities).all()


def test_conditions_that_need_two_programs_are_refused(corpus):
    other = replace(CONDITION, cells=16)
    with pytest.raises(InputError, match="2 programs"):
        _outcome(corpus, _plan(corpus), [CONDITION, other])


def _mixtures(label, length, draw):
    """Two kinds of frames, +d and -d, half of each: every class has mean zero. The
    classes differ in the direction d."""
    directions = np.array([[1, 1], [1, -1], [2, 0], [0, 2]], float)
    half = length // 2
    signs = draw.permutation([1] * half + [-1] * half + [0] * (length % 2))
    return signs[:, None] * directions[label]


def test_netvlad_learns_classes_that_differ_in_their_mixture_alone():
    corpus = toys.corpus(frames=_mixtures, speakers=4, per_class=8)
    for n in range(len(corpus.label)):
        part = slice(corpus.offset[n], corpus.offset[n] + corpus.length[n])
        assert (corpus.frames[part].sum(axis=0) == 0).all()
    condition = replace(CONDITION, cells=16, smoothing="none", dropout=0.0)
    plan = _plan(corpus, seeds=(0,), epochs=100)
    _, outcome = _outcome(corpus, plan, [condition])
    for f, fold in enumerate(plan.folds):
        predicted = outcome.probabilities[0, f, fold.test].argmax(axis=-1)
        confusion = metrics.confusion(corpus.label[fold.test], predicted, 4)
        assert metrics.ua(confusion) == 1.0
