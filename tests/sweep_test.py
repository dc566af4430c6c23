from dataclasses import replace

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser import dataset, folds, sweep, trials
from vladser.events import Step
from vladser.types import Pooling, Spec

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


def test_a_device_has_whole_seeds_where_that_is_no_slower():
    mesh = sweep.mesh(4, 10, [_Device(), _Device()])
    assert mesh.devices.shape == (2, 1)


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
    spec = Spec(Pooling("netvlad", (("clusters", 4),)), 147, 4, 64)
    found = sweep.memory(spec, sweep.mesh(1, 10, [_Device()]), 1, 10, 12, 100)
    frames = 7 * 16
    drawn = 16 * frames * (147 + 64)
    kept = 8 * (frames * 6 * 64 + 7 * (2 * 64 + 4 * 65))
    learned = 10 * 4 * (256 * (147 + 64 + 1) + 4 * (2 * 64 + 1) + (4 * 64 + 1) * 4)
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
    plan = toys.plan(corpus, epochs=5)
    assert plan.steps * plan.epochs >= 20
    condition = replace(toys.CONDITION, noise=0.1)
    events, mapped = toys.train(corpus, plan, [condition])
    monkeypatch.setattr(sweep, "_one_by_one", lambda mesh: False)
    jax.clear_caches()
    others, batched = toys.train(corpus, plan, [condition])
    jax.clear_caches()
    (first, *_), (other, *_) = (
        [e.loss for e in some if isinstance(e, Step)] for some in (events, others)
    )
    # A loss before there was a step, of at most 40 frames an utterance.
    assert_same(other, first, 40 * (5 + condition.cells))
    # The sums of float32 run in another order at every step, and 20 steps add up.
    np.testing.assert_allclose(
        batched.probabilities, mapped.probabilities, rtol=1e-4, atol=1e-6
    )


@pytest.mark.slow
def test_seeds_differ_and_folds_share_their_first_weights():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    moments = dataset.moments(corpus)
    rectangle = trials.rectangle(corpus, moments, [toys.CONDITION], made, (0, 1))
    spec = trials.specification(corpus, [toys.CONDITION])
    mesh = sweep.mesh(2, len(made))
    params = jax.device_get(sweep.init(rectangle, spec=spec, mesh=mesh).params)
    for leaf in params.kernel, params.lstm.input_kernel, params.aggregator.c:
        assert (leaf[:, :1] == leaf).all()
        assert (leaf[0, 0] != leaf[1, 0]).all()
