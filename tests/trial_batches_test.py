"""How an experiment is cut, and that the cut changes nothing."""

import hashlib
from collections import Counter
from itertools import chain, product

import jax
import numpy as np
import pytest
import toys

from launch.experiment import checkpoints
from launch.experiment.checkpoints import Figures, Finished
from vladser.condition import make
from vladser.engine import experiment, results, trial_batches
from vladser.engine.design import Design
from vladser.engine.trial_batches import TrialBatch
from vladser.types import Fold

pytestmark = pytest.mark.numeric

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


@pytest.mark.parametrize("conditions", [[MEAN], [MEAN, FINAL, SMOOTH, LONGER]])
@pytest.mark.parametrize("shape", [(1, 10), (5, 10), (1, 1)])
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("most", [1, 7, 1000])
def test_each_trial_is_in_one_batch(corpus, conditions, shape, processes, most):
    design = _design(corpus, conditions, *shape)
    fits = trial_batches.at_most(most)
    dealt = trial_batches.cut(design, fits, processes)
    assert len(dealt) == processes
    cells = [cell for own in dealt for batch in own for cell in product(*batch)]
    everything = product(range(shape[0]), range(len(conditions)), range(shape[1]))
    assert Counter(cells) == Counter(everything)
    batches = [batch for own in dealt for batch in own]
    assert all(1 <= batch.trials <= most for batch in batches)
    shares = [sum(batch.trials for batch in own) for own in dealt]
    assert max(shares) - min(shares) <= max(batch.trials for batch in batches)
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
    design = _design(corpus, [MEAN], 5, 10)
    (own,) = trial_batches.cut(design, trial_batches.at_most(most))
    assert Counter(batch.rectangle for batch in own) == expected


def test_less_memory_makes_smaller_batches_that_fit(corpus, monkeypatch):
    design, sizes = toys.design(corpus, [MEAN], range(4)), []
    for memory in (2**40, 2**20, 2**19, 2**10):
        # An accelerator of so many bytes, where trials work at once.
        monkeypatch.setattr(trial_batches, "_room", lambda *_, memory=memory: memory)
        monkeypatch.setattr(
            trial_batches.sweep,
            "memory",
            lambda spec, mesh, *shape: 2**16 * shape[0] * shape[1],
        )
        (own,) = trial_batches.cut(design, trial_batches.in_memory(design))
        sizes.append(max(batch.trials for batch in own))
    assert sizes == [16, 16, 8, 1]


def test_the_memory_of_a_cpu_is_shared_by_its_devices():
    (alone,), two = jax.devices()[:1], jax.devices()
    assert len(two) == 2
    room = trial_batches._room(1000, [alone])
    assert trial_batches._room(1000, two) == room / 2 > 2**20
    assert trial_batches._room(0, [alone]) == room + 1000


class _Accelerator:
    def memory_stats(self):
        return {"bytes_limit": 10_000, "bytes_in_use": 0}


def test_an_accelerator_holds_the_corpus_beside_the_trials():
    room = trial_batches._room(1000, [_Accelerator()] * 4)
    assert room == trial_batches.SHARE * 10_000 - 1000


def test_a_step_on_a_cpu_is_brief(corpus):
    (longest,) = np.sort(corpus.length)[-1:]
    one = _design(corpus, [toys.but(MEAN, batch_size=1)], 1, 1)
    fits = trial_batches.brief(one)
    most = trial_batches.STEP // longest
    assert fits(TrialBatch(range(most), [0], [0]))
    assert not fits(TrialBatch(range(most + 1), [0], [0]))


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


def _trained(design, most, **options):
    (own,) = trial_batches.cut(design, trial_batches.at_most(most))
    for batch in own:
        *_, outcome = experiment.run(design, batch, **options)
        of_batch = results.of_batch(batch, outcome, keep=True)
        finished = Finished(batch, of_batch, Figures())
        again = checkpoints.unpack(checkpoints.pack(finished))
        yield again.batch, again.results


def _same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.slow
def test_results_depend_on_neither_order_nor_size_of_batches(corpus):
    design = toys.design(corpus, [toys.CONDITION, toys.but(alpha=0.4, noise=0.1)])
    (whole,) = parts = list(_trained(design, 1000))
    expected = results.merge(parts, design)
    cut = list(_trained(design, 3, devices=jax.devices()[:1]))
    assert len(cut) > 4
    _same(results.merge(reversed(cut), design), expected)
    _same(results.merge_params(cut, design, [0, 1]), whole[1].params)


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
        alone = toys.design(corpus, [condition])
        _, outcome = toys.train(alone)
        for whole, own in zip(merged.probabilities, outcome.probabilities, strict=True):
            _same(whole[:, place], own[:, 0])


@pytest.mark.slow
def test_digests_are_those_of_the_trained_parameters(corpus):
    batch = TrialBatch([0, 1], [0], range(4))
    _, outcome = toys.train(toys.design(corpus), batch)
    digests = results.of_batch(batch, outcome).digests
    for seed, fold in np.ndindex(2, 4):
        leaves = [x[seed, fold] for x in jax.tree.leaves(outcome.params)]
        content = b"".join(chain(leaf.tobytes() for leaf in leaves))
        expected = hashlib.sha256(content).digest()
        assert digests[seed, 0, fold].tobytes() == expected
