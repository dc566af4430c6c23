from dataclasses import replace
from functools import cache, partial
from itertools import product
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from closeness import assert_equal, assert_same

from vladser.condition import settings
from vladser.data import dataset, folds
from vladser.engine import experiment, placement, slots, sweep, timeblocks
from vladser.engine.design import rectangle
from vladser.engine.on_devices import OnDevices

pytestmark = pytest.mark.numeric


def _devices(monkeypatch, count):
    devices = [mock.Mock(platform="cpu") for _ in range(count)]
    monkeypatch.setattr(jax, "local_devices", lambda: devices)


@pytest.mark.parametrize(
    ("shape", "devices", "expected"),
    [
        ((1, 10), 2, (1, 2)),
        ((5, 10), 2, (1, 2)),  # devices share each seed where that is no slower
        ((3, 10), 4, (1, 4)),
        ((5, 10), 64, (5, 10)),
        ((4, 3), 4, (4, 1)),
        ((1, 1), 8, (1, 1)),
    ],
)
def test_the_busiest_device_has_the_fewest_trials(
    monkeypatch, shape, devices, expected
):
    _devices(monkeypatch, devices)
    assert placement.mesh(*shape).devices.shape == expected


@pytest.mark.parametrize("one_by_one", [True, False])
def test_computed_frames_are_those_of_the_longest_at_work_together(
    monkeypatch, one_by_one
):
    monkeypatch.setattr(placement, "one_by_one", lambda mesh: one_by_one)
    _devices(monkeypatch, 2)
    mesh = placement.mesh(1, 3)
    rows = np.full((1, 3, 12), -1)
    rows[0, 0, :3], rows[0, 0, 8:10], rows[0, 1, 0] = (2, 1, 0), (1, 0), 3
    # Slices of 8 rows, of 17 -> 32, 16 -> 16 and 100 -> 112 frames. All at once, in
    # blocks of 64 frames, the two trials of a device have two slices each of the
    # longest.
    expected = 8 * (32 + 16 + 112) if one_by_one else 2 * 16 * 128
    lengths = np.array([5, 16, 17, 100])
    assert sweep.computed(lengths, rows, mesh) == expected
    # Those of a coupled objective are one slice, of as many rows.
    expected = 16 * (32 + 112) if one_by_one else expected
    assert sweep.computed(lengths, rows, mesh, coupled=True) == expected


def test_blocks_are_of_16_frames_and_trials_at_once_have_those_of_the_longest():
    frames = np.array([0, 1, 16, 17, 32, 100])
    blocks = timeblocks.cut(100, 16)
    assert blocks == (7, 16) and blocks.holding(frames).tolist() == [0, 1, 1, 2, 2, 7]
    count = jax.vmap(jax.vmap(partial(timeblocks.count, blocks)))
    assert (count(frames.reshape(2, 3)) == 7).all()


def test_place_fills_up_the_rectangle():
    mesh = placement.mesh(1, 3)
    array = np.arange(6.0).reshape(1, 3, 2)
    filled = np.asarray(placement.place(mesh, array, empty=-1))
    assert_equal(filled[:, :3], array)
    assert (filled[:, 3:] == -1).all()
    copied = np.asarray(placement.place(mesh, array))
    assert_equal(copied[:, 3], array[:, 2])


@pytest.mark.slow
def test_accelerators_take_all_trials_at_once_and_get_the_same(monkeypatch):
    corpus = toys.corpus()
    design = toys.design(corpus, [toys.but(noise=0.1, epochs=5)])
    assert design.plan(0).steps * 5 >= 20
    runs = [toys.train(design)[1]]
    monkeypatch.setattr(placement, "one_by_one", lambda mesh: False)
    # Whatever unwritten memory holds is not read.
    nan = lambda shape, dtype: jnp.full(shape, jnp.nan, dtype)  # noqa: E731
    monkeypatch.setattr(jax.lax, "empty", nan)
    slots._empty.cache_clear()
    for name in "train_step", "evaluate":
        monkeypatch.setattr(sweep, name, cache(getattr(sweep, name).__wrapped__))
    runs.append(toys.train(design)[1])
    # The sums of float32 run in another order at every step, and 20 steps add up.
    for expected, found in zip(*(run.probabilities for run in runs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_what_is_drawn_depends_on_seed_epoch_and_step_alone():
    """Losses of one minibatch before any step: they differ by noise and dropout."""
    corpus = toys.corpus()
    fold, *_ = folds.make(corpus, "speaker")
    conditions = [toys.CONDITION, toys.but(alpha=0.3)]
    design = toys.design(corpus, conditions, made=[fold, fold])
    (data, *_), plan, trials = experiment.prepare(design)
    on_devices = OnDevices(data, plan, trials, design.specification(0))
    rows = np.tile(np.int32(fold.train[: plan.batch_size]), (2, 4, 1))
    # The same initial weights for both seeds.
    same = trials._replace(seed=np.zeros((2, 4), np.int32))
    losses = []
    for epoch, step in ((1, 0), (1, 1), (2, 0), (0, 1), (1, 0)):
        states = sweep.init(same, spec=on_devices.spec, mesh=on_devices.mesh)
        _, loss = on_devices.train_step(states, rows, epoch, step)
        losses.append(on_devices.to_host(loss))
    *losses, again = np.array(losses)
    assert_equal(again, losses[0])
    # Conditions and folds of a seed are paired.
    assert_equal(again[:, 0::2], again[:, 1::2])
    assert len(np.unique(losses)) == 4 * 2 * 2  # draws, seeds, alphas


def test_a_trial_has_its_conditions_settings_and_its_folds_shares():
    corpus = toys.corpus()
    corpus = replace(corpus, label=np.where(corpus.label == 1, 0, corpus.label))
    made = folds.make(corpus, "speaker")[:3]
    made[1] = made[1]._replace(train=made[1].train[::2])
    own = {"smoothing": "uniform", "alpha": 0.1, "noise": 0.2, "dropout": 0.3}
    own |= {"learning_rate": 0.4, "rho": 0.5, "focal": 0.6}
    conditions = toys.but(**own), toys.but(smoothing="none"), toys.CONDITION
    moments = dataset.moments(corpus, [fold.train for fold in made])
    found = rectangle(corpus, moments, conditions, made, (5, 3))
    assert (found.seed == [[5], [3]]).all() and found.seed.shape == (2, 9)
    for place, (condition, fold) in enumerate(product(conditions, made)):
        frames = [corpus.frames[toys.span(corpus, n)] for n in fold.train]
        frames, none = np.concatenate(frames).astype(float), condition == conditions[1]
        unigram = np.bincount(corpus.label[fold.train], minlength=4) / len(fold.train)
        prior = unigram if condition == conditions[2] else np.full(4, 0.25)
        said = settings(condition)
        for seed in range(2):
            trial = jax.tree.map(lambda x, s=seed, p=place: x[s, p], found)
            held = trial._asdict() | trial.objective._asdict() | trial.optimizer
            for name in ("noise", "dropout", "learning_rate", "rho", "focal"):
                assert held[name] == np.float32(said[name])
            assert held["alpha"] == np.float32(0 if none else said["alpha"])
            assert_same(held["prior"], prior, 1)
            assert_same(trial.mean, frames.mean(axis=0), 1)
            assert_same(1 / trial.scale, frames.std(axis=0), 1)
    # Each speaker standardized already: the scaler leaves the frames as they are.
    found = rectangle(corpus, None, [toys.CONDITION], made, (0,))
    assert (found.mean == np.zeros((1, 3, 5))).all()
    assert (found.scale == np.ones((1, 3, 5))).all()


@pytest.mark.slow
def test_first_weights_differ_by_seed_and_are_shared_by_folds_and_poolings():
    corpus, encoders = toys.corpus(), []
    for pooling in "mean", "netvlad(clusters=2)":
        design = toys.design(corpus, [toys.but(aggregator=pooling)])
        _, _, trials = experiment.prepare(design)
        mesh = placement.mesh(2, len(design.folds))
        states = sweep.init(trials, spec=design.specification(0), mesh=mesh)
        params = jax.device_get(states.params)
        for leaf in params.head.kernel, params.encoder.input_kernel:
            assert (leaf[:, :1] == leaf).all() and (leaf[0, 0] != leaf[1, 0]).all()
        encoders.append(params.encoder)
    assert_equal(*encoders)
