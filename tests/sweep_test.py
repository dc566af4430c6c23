from dataclasses import replace
from itertools import product

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser import model
from vladser.condition import Condition, make, settings, specification
from vladser.data import dataset, folds
from vladser.engine import experiment, sweep, trials
from vladser.engine.events import Step
from vladser.engine.on_devices import OnDevices

pytestmark = pytest.mark.numeric


class _Device:
    platform = "cpu"


@pytest.mark.parametrize(
    ("seeds", "trials", "devices", "busiest"),
    [(1, 10, 2, 5), (5, 10, 2, 25), (3, 10, 4, 9), (5, 10, 64, 1), (1, 1, 8, 1)],
)
def test_the_busiest_device_has_the_fewest_trials(seeds, trials, devices, busiest):
    mesh = sweep.mesh(seeds, trials, [_Device() for _ in range(devices)])
    rows, columns = mesh.devices.shape
    assert mesh.size <= min(devices, seeds * trials)
    assert -(-seeds // rows) * -(-trials // columns) == busiest


def test_devices_share_each_seed_where_that_is_no_slower():
    mesh = sweep.mesh(4, 10, [_Device(), _Device()])
    assert mesh.devices.shape == (1, 2)


def test_computed_frames_are_those_of_the_longest_of_each_slice():
    mesh = sweep.mesh(1, 2, [_Device()])
    lengths = np.array([5, 16, 17, 100])
    rows = np.full((1, 2, 12), -1)
    rows[0, 0, :3], rows[0, 0, 8:10], rows[0, 1, 0] = (2, 1, 0), (1, 0), 3
    # 17 -> 32 and 16 -> 16 frames in the first trial, 100 -> 112 in the second.
    assert sweep.computed(lengths, rows, mesh) == 8 * (32 + 16 + 112)


def test_computed_frames_of_an_accelerator_are_those_of_the_longest_of_its_block(
    monkeypatch,
):
    monkeypatch.setattr(sweep, "_one_by_one", lambda mesh: False)
    mesh = sweep.mesh(1, 3, [_Device(), _Device()])
    rows = np.array([[[1, 0], [2, -1], [3, 1]]])
    # Blocks of 2 trials of 8 rows: 17 -> 32 frames, 100 -> 112 (a trial is filled up).
    found = sweep.computed(np.array([5, 16, 17, 100]), rows, mesh)
    assert found == 2 * 8 * (32 + 112)


def test_memory_counts_what_is_kept_drawn_and_learned():
    spec = specification(Condition(), 147, 4)
    found = sweep.memory(spec, sweep.mesh(1, 10, [_Device()]), 1, 10, 12, 100)
    frames = 7 * 16
    drawn = 16 * frames * (147 + 64)
    kept = 8 * (frames * 6 * 64 + 7 * (2 * 64 + 4 * 65))
    learned = 10 * 5 * (256 * (147 + 64 + 1) + 4 * (2 * 64 + 1) + (4 * 64 + 1) * 4)
    assert found == 4 * (drawn + kept + learned)


def test_place_fills_up_the_rectangle():
    mesh = sweep.mesh(1, 3, jax.devices())
    array = np.arange(6.0).reshape(1, 3, 2)
    filled = np.asarray(sweep.place(mesh, array, empty=-1))
    np.testing.assert_array_equal(filled[:, :3], array)
    assert (filled[:, 3:] == -1).all()
    copied = np.asarray(sweep.place(mesh, array))
    np.testing.assert_array_equal(copied[:, 3], array[:, 2])


def test_seeds_epochs_and_steps_draw_differently():
    keys = [
        sweep.step_key(seed, epoch, step)
        for seed in (0, 1)
        for epoch in (0, 1)
        for step in (0, 1)
    ]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 8


@pytest.mark.slow
def test_accelerators_take_all_trials_at_once_and_get_the_same(monkeypatch):
    corpus = toys.corpus()
    design = toys.design(corpus, [toys.but(noise=0.1, epochs=5)])
    assert design.plan(0).steps * 5 >= 20
    events, mapped = toys.train(design)
    monkeypatch.setattr(sweep, "_one_by_one", lambda mesh: False)
    jax.clear_caches()
    others, batched = toys.train(design)
    jax.clear_caches()
    (first, *_), (other, *_) = (
        [e.loss for e in some if isinstance(e, Step)] for some in (events, others)
    )
    # A loss before there was a step, of at most 40 frames an utterance.
    assert_same(other, first, 40 * (5 + 4))
    # The sums of float32 run in another order at every step, and 20 steps add up.
    for found, expected in zip(
        batched.probabilities, mapped.probabilities, strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_what_is_drawn_hangs_on_seed_epoch_and_step_alone():
    """Losses of one minibatch before any step: they differ by noise and dropout."""
    corpus = toys.corpus()
    fold, *_ = folds.make(corpus, "speaker")
    conditions = [toys.CONDITION, _but(alpha=0.3)]
    design = toys.design(corpus, conditions, made=[fold, fold])
    data, plan, rectangle = experiment.prepare(design)
    block = OnDevices(data, plan, rectangle, design.specification(0))
    rows = np.tile(np.int32(fold.train[: plan.batch_size]), (2, 4, 1))
    # The same initial weights for both seeds.
    same = rectangle._replace(seed=np.zeros((2, 4), np.int32))
    losses = []
    for epoch, step in ((1, 0), (1, 1), (2, 0), (0, 1), (1, 0)):
        states = sweep.init(same, spec=block.spec, mesh=block.mesh)
        losses.append(block.to_host(block.train_step(states, rows, epoch, step)[1]))
    *losses, again = np.array(losses)
    np.testing.assert_array_equal(again, losses[0])
    # Conditions and folds of a seed are paired.
    np.testing.assert_array_equal(again[:, 0::2], again[:, 1::2])
    assert len(np.unique(losses)) == 4 * 2 * 2  # draws, seeds, alphas


def _but(**own):
    return make(**settings(toys.CONDITION) | own)


def test_a_trial_has_its_conditions_settings_and_its_folds_shares():
    corpus = toys.corpus()
    corpus = replace(corpus, label=np.where(corpus.label == 1, 0, corpus.label))
    made = folds.make(corpus, "speaker")[:3]
    made[1] = made[1]._replace(train=made[1].train[::2])
    one = _but(
        smoothing="uniform",
        alpha=0.1,
        noise=0.2,
        dropout=0.3,
        learning_rate=0.4,
        rho=0.5,
        focal=0.6,
    )
    conditions = one, _but(smoothing="none"), toys.CONDITION
    moments = dataset.moments(corpus)
    found = trials.rectangle(corpus, moments, conditions, made, (5, 3))
    assert (found.seed == [[5], [3]]).all() and found.seed.shape == (2, 9)
    for place, (condition, fold) in enumerate(product(conditions, made)):
        frames = [
            corpus.frames[corpus.offset[n] : corpus.offset[n] + corpus.length[n]]
            for n in fold.train
        ]
        frames, none = np.concatenate(frames).astype(float), condition == conditions[1]
        unigram = np.bincount(corpus.label[fold.train], minlength=4) / len(fold.train)
        prior = unigram if condition == conditions[2] else np.full(4, 0.25)
        for seed in range(2):
            trial = trials_at(found, seed, place)
            said = settings(condition)
            assert trial.objective.alpha == np.float32(0 if none else said["alpha"])
            assert trial.objective.focal == np.float32(said["focal"])
            for name in ("noise", "dropout"):
                assert getattr(trial, name) == np.float32(said[name])
            for name in ("learning_rate", "rho"):
                assert trial.optimizer[name] == np.float32(said[name])
            assert_same(trial.objective.prior, prior, 1)
            assert_same(trial.mean, frames.mean(axis=0), 1)
            assert_same(1 / trial.scale, frames.std(axis=0), 1)
    rows = np.arange(12).reshape(2, 3, 2)
    np.testing.assert_array_equal(
        trials.rows(rows, 2), np.concatenate([rows, rows], axis=1)
    )


def trials_at(found, seed, place):
    return jax.tree.map(lambda x: x[seed, place], found)


def test_without_moments_the_scaler_leaves_the_corpus_as_it_is():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    found = trials.rectangle(corpus, None, [toys.CONDITION], made, (0,))
    assert (found.mean == 0).all() and (found.scale == 1).all()
    assert found.mean.shape == found.scale.shape == (1, 4, 5)


@pytest.mark.slow
def test_trials_that_differ_in_their_pooling_alone_start_from_the_same_lstm():
    specs = [
        specification(make(aggregator=name, cells=4), 5, 4)
        for name in ("mean", "statistics", "maximum")
    ]
    init = jax.jit(lambda key: [model.init(key, spec) for spec in specs])
    mean, statistics, maximum = jax.device_get(init(jax.random.key(2)))
    for leaf, other in zip(mean.encoder, statistics.encoder, strict=True):
        np.testing.assert_array_equal(leaf, other)
    np.testing.assert_array_equal(mean.head.kernel, maximum.head.kernel)
    assert statistics.head.kernel.shape == (8, 4)
    limit = (6 / (8 + 4)) ** 0.5  # Glorot and Bengio 2010
    assert 0.7 * limit < np.abs(statistics.head.kernel).max() <= limit
    assert not mean.head.bias.any()


@pytest.mark.slow
def test_seeds_differ_and_folds_share_their_first_weights():
    corpus = toys.corpus()
    design = toys.design(corpus)
    _, _, rectangle = experiment.prepare(design)
    spec = design.specification(0)
    mesh = sweep.mesh(2, len(design.folds))
    params = jax.device_get(sweep.init(rectangle, spec=spec, mesh=mesh).params)
    for leaf in params.head.kernel, params.encoder.input_kernel, params.aggregator.c:
        assert (leaf[:, :1] == leaf).all()
        assert (leaf[0, 0] != leaf[1, 0]).all()
