"""How an experiment is cut, and that the cut changes nothing."""

from collections import Counter
from itertools import product
from unittest import mock

import jax
import numpy as np
import pytest
import toys
from closeness import assert_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from launch.experiment import checkpoints
from launch.experiment.checkpoints import Figures, Finished
from launch.output.provenance import Machine
from vladser import machine
from vladser.condition import make
from vladser.engine import experiment, results, trial_batches
from vladser.engine.design import Design
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import MemoryShort
from vladser.types import Fold

MEAN, FINAL, LONGER = (
    make(aggregator=name, cells=4, epochs=epochs, batch_size=12)
    for name, epochs in (("mean", 2), ("final", 2), ("mean", 3))
)
SMOOTH = toys.but(MEAN, alpha=0.4)


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus()


def _design(corpus, conditions, seeds, folds):
    fold = Fold("", np.array([0]), np.array([], int), np.array([1]))
    return Design([corpus] * len(conditions), conditions, [fold] * folds, range(seeds))


def _cut(design, most=None):
    wholes = trial_batches.programs(design)
    return [part for whole in wholes for part in trial_batches.cut(design, whole, most)]


@pytest.mark.parametrize("conditions", [[MEAN], [MEAN, FINAL, SMOOTH, LONGER]])
@pytest.mark.parametrize("shape", [(1, 10), (5, 10), (1, 1)])
@pytest.mark.parametrize("most", [1, 7, 1000])
def test_each_trial_is_in_one_batch(corpus, conditions, shape, most):
    design = _design(corpus, conditions, *shape)
    batches = _cut(design, most)
    cells = [cell for batch in batches for cell in product(*batch)]
    assert Counter(cells) == Counter(product(*map(range, design.shape)))
    assert all(1 <= batch.trials <= most for batch in batches)
    for batch in batches:  # that share a program and a schedule
        together = [conditions[place] for place in batch.conditions]
        assert len({(c.aggregator, c.epochs) for c in together}) == 1


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (50, {(5, 10): 1}),
        (49, {(2, 10): 1, (3, 10): 1}),
        (20, {(1, 10): 1, (2, 10): 2}),
        (9, {(1, 5): 10}),  # not 9 and 1: few shapes, few programs
        (1, {(1, 1): 50}),
    ],
)
def test_batches_are_whole_seeds_and_alike_where_they_can(corpus, most, expected):
    own = _cut(_design(corpus, [MEAN], 5, 10), most)
    assert Counter(batch.rectangle for batch in own) == expected


@pytest.mark.parametrize(("room", "most"), [(16, 16), (15, 8), (8, 8), (1, 1)])
@pytest.mark.parametrize("on_cpu", [True, False])
def test_batches_fit_the_memory_beside_the_dataset(
    corpus, monkeypatch, on_cpu, room, most
):
    """Each accelerator holds the dataset; CPU devices share one, and the memory."""
    share, data = (2 if on_cpu else 1), corpus.frames.nbytes
    usable = trial_batches.SHARE if on_cpu else trial_batches.ON_ACCELERATORS
    limit = (1000 * room * share + data + 1) / usable

    def memory(_, batch):
        return 1000 * batch.trials + data / min(share, batch.trials)

    gpu = mock.Mock(platform="gpu", memory_stats=lambda: {"bytes_limit": limit})
    devices = jax.devices() if on_cpu else [gpu] * 2
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    monkeypatch.setattr(machine, "memory", lambda: limit)
    monkeypatch.setattr(trial_batches, "memory", memory)
    own = _cut(toys.design(corpus, [MEAN], range(4)))
    assert max(batch.trials for batch in own) == most


def test_memory_counts_what_is_kept_drawn_and_learned():
    corpus = toys.corpus(dim=147, longest=100)
    design = _design(corpus, [make(batch_size=12)], 1, 10)
    found = trial_batches.memory(design, TrialBatch([0], [0], range(10)))
    blocks = -(-corpus.length.max() // 16)
    drawn = 8 * 16 * blocks * (147 + 64)  # a minibatch of one row is a slice of 8
    of_block = 8 * (16 * 6 * 64 + 2 * 64 + 4 * 65)
    kept = blocks * of_block + 8 * 15 * 4 * 64
    kept += of_block + 2 * 8 * 16 * 147  # at work on a block
    # By half of the trials, on one of two devices.
    learned = 5 * 5 * (256 * (147 + 64 + 1) + 4 * (2 * 64 + 1) + (4 * 64 + 1) * 4)
    data = corpus.frames.nbytes // 2
    assert found == data + 4 * (drawn + kept + learned)


TOO_LARGE = {
    "batch_size": 100_000,
    "aggregator": "netvlad(clusters=1000000)",
    "encoder": "lstm(cells=100000)",
    "head": "dense(units=100000000)",
}


@pytest.mark.parametrize("name", TOO_LARGE)
@pytest.mark.fault("memory")
def test_a_training_that_fits_no_memory_is_said_with_what_would(monkeypatch, name):
    corpus, one = toys.corpus(per_class=60), TrialBatch([0], [0], [0])
    usual = toys.design(corpus, [make(batch_size=8)])
    limit = 1.2 * trial_batches.memory(usual, one) / trial_batches.SHARE
    monkeypatch.setattr(machine, "memory", lambda: limit)
    _cut(usual)
    large = make(**{"batch_size": 8, name: TOO_LARGE[name]})
    with pytest.raises(MemoryShort) as raised:
        _cut(toys.design(corpus, [large]))
    was = getattr(usual.conditions[0], name)
    assert str(raised.value).endswith(f" MiB for 1 training: try {name}={was}")
    assert str(raised.value).startswith(f"{large.name}: expected at most ")


def test_a_step_on_a_cpu_is_brief(corpus, monkeypatch):
    monkeypatch.setattr(trial_batches, "STEP", 3 * corpus.length.max())
    one = _design(corpus, [toys.but(MEAN, batch_size=1)], 5, 1)
    assert sorted(batch.trials for batch in _cut(one)) == [2, 3]


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 6)] * 3), st.data())
def test_what_is_taken_off_a_batch_is_as_much_as_may_be_and_no_more(shape, data):
    whole, taken = TrialBatch(*map(range, shape)), []
    left = [whole]
    while left:
        most = data.draw(st.integers(1, 300))
        first, *others = left
        part, rest = trial_batches.take(first, most)
        # Nothing larger that begins there is a rectangle of whole places.
        assert most // 2 < part.trials <= most or part == first
        taken, left = [*taken, part], [*rest, *others]
    cells = [cell for part in taken for cell in product(*part)]
    assert Counter(cells) == Counter(product(*whole))


@pytest.mark.parametrize(
    ("done", "missing"),
    [
        ([], 24),
        ([TrialBatch(range(3), range(2), range(4))], 0),
        ([TrialBatch([0], [0, 1], range(4))], 16),
        ([TrialBatch([2], [1], [3]), TrialBatch([0, 2], [0], range(4))], 15),
    ],
)
def test_what_is_missing_is_all_but_what_is_done(done, missing):
    whole = TrialBatch(range(3), range(2), range(4))
    parts = trial_batches.missing(done, whole)
    cells = [cell for part in (*parts, *done) for cell in product(*part)]
    assert sum(part.trials for part in parts) == missing
    assert Counter(cells) == Counter(product(*whole))


def _trained(design, most):
    for batch in _cut(design, most):
        *_, outcome = experiment.run(design, batch)
        machine = Machine("host", ["cpu: cpu"])
        finished = Finished(batch, outcome.results, Figures(), machine)
        again = checkpoints.unpack(checkpoints.pack(finished))
        yield again.batch, again.results


@pytest.mark.numeric
@pytest.mark.slow
def test_results_depend_on_neither_order_nor_size_of_batches_nor_on_devices(corpus):
    assert len(jax.devices()) == 2
    design = toys.design(corpus, [toys.CONDITION, toys.OTHER])
    (whole,) = parts = list(_trained(design, 1000))
    expected = results.merge(parts, design)
    alone = jax.devices()[:1]
    with mock.patch.object(jax, "local_devices", lambda: alone):
        cut = list(_trained(design, 3))
    assert len(cut) > 4
    assert_equal(results.merge(reversed(cut), design), expected)
    leaves = results.merge_params(cut, design, [0, 1])
    assert_equal(leaves, whole[1].params)
    # What is compared differs.
    for leaf in leaves:
        assert len(np.unique(leaf.reshape(2 * 2 * 4, -1), axis=0)) == 2 * 2 * 4


@pytest.mark.slow
def test_conditions_of_several_programs_and_schedules_come_to_their_places(corpus):
    conditions = [MEAN, LONGER, FINAL]
    design = toys.design(corpus, conditions)
    merged = results.merge(_trained(design, 1000), design)
    assert merged.loss.shape == (2, 3, 4, 3)
    assert np.isnan(merged.loss[:, [0, 2], :, 2]).all()
    assert np.isfinite(merged.loss[:, 1]).all()
    assert (merged.epoch == [[[2], [3], [2]]]).all()
    for place, condition in enumerate(conditions):
        _, alone = toys.train(toys.design(corpus, [condition]))
        for whole, own in zip(merged.probabilities, alone.probabilities, strict=True):
            assert_equal(whole[:, place], own[:, 0])
