"""How an experiment is cut, and that the cut changes nothing."""

import hashlib
from collections import Counter
from itertools import chain, product

import jax
import numpy as np
import pytest
import toys

from vladser.condition import make, settings
from vladser.data import batches, folds
from vladser.engine import experiment, merging, trial_batches
from vladser.types import Fold

pytestmark = pytest.mark.numeric

MEAN, FINAL = (make(aggregator=name, cells=4) for name in ("mean", "final"))
SMOOTH = make(aggregator="mean", alpha=0.4, cells=4)


def _plan(seeds, folds_):
    fold = Fold("", np.array([0]), np.array([], int), np.array([1]))
    return batches.plan(np.array([5, 5]), [fold] * folds_, range(seeds), 1, 1)


def _cuts(plan, conditions, most, processes):
    fits = trial_batches.at_most(most)
    return [
        trial_batches.cut(plan, conditions, fits, process, processes)
        for process in range(processes)
    ]


@pytest.mark.parametrize("conditions", [[MEAN], [MEAN, FINAL, SMOOTH]])
@pytest.mark.parametrize("shape", [(1, 10), (5, 10), (2, 3), (1, 1), (7, 1)])
@pytest.mark.parametrize("processes", [1, 2, 3, 7])
@pytest.mark.parametrize("most", [1, 3, 10, 1000])
def test_each_trial_is_in_one_chunk_and_the_shares_are_even(
    conditions, shape, processes, most
):
    plan = _plan(*shape)
    cuts = _cuts(plan, conditions, most, processes)
    cells = [cell for cut in cuts for chunk in cut for cell in product(*chunk)]
    everything = product(range(shape[0]), range(len(conditions)), range(shape[1]))
    assert Counter(cells) == Counter(everything)
    shares = [sum(chunk.trials for chunk in cut) for cut in cuts]
    assert max(shares) - min(shares) <= 1
    for chunk in (chunk for cut in cuts for chunk in cut):
        assert 1 <= chunk.trials <= most
        assert len({conditions[place].aggregator for place in chunk.conditions}) == 1


@pytest.mark.parametrize(
    ("shape", "processes", "expected"),
    [
        ((5, 10), 1, [(5, 10)]),
        ((5, 10), 5, [(1, 10)]),  # whole seeds first
        ((5, 10), 2, [(5, 5)]),
        ((1, 10), 3, [(1, 4), (1, 3)]),
        ((1, 2), 3, [(1, 1)]),
    ],
)
def test_a_process_has_one_rectangle_where_that_is_even(shape, processes, expected):
    cuts = _cuts(_plan(*shape), [MEAN], 1000, processes)
    assert all(len(cut) <= 1 for cut in cuts)
    assert {chunk.rectangle for cut in cuts for chunk in cut} == set(expected)


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
def test_chunks_are_whole_seeds_and_alike_where_they_can(most, expected):
    (cut,) = _cuts(_plan(5, 10), [MEAN], most, 1)
    assert Counter(chunk.rectangle for chunk in cut) == expected


def test_less_memory_makes_smaller_chunks_that_fit(monkeypatch):
    corpus = toys.corpus(speakers=6)
    plan = batches.plan(corpus.length, folds.make(corpus, "speaker"), range(4), 1, 8)
    sizes = []
    for memory in (2**40, 2**21, 2**19, 2**10):
        # An accelerator of so many bytes, where trials work at once.
        monkeypatch.setattr(trial_batches, "_room", lambda *_, memory=memory: memory)
        monkeypatch.setattr(
            trial_batches.sweep,
            "memory",
            lambda spec, mesh, *shape: 2**16 * shape[0] * shape[1],
        )
        cut = trial_batches.cut(
            plan, [MEAN], trial_batches.in_memory(corpus, plan, [MEAN])
        )
        sizes.append(max(chunk.trials for chunk in cut))
    assert sizes == [24, 24, 6, 1]


def test_the_memory_of_a_cpu_is_shared_by_its_devices():
    (one,), two = jax.devices()[:1], jax.devices()
    assert len(two) == 2
    alone, shared = trial_batches._room(1000, [one]), trial_batches._room(1000, two)
    assert shared == alone / 2 > 2**20
    assert trial_batches._room(0, [one]) == alone + 1000


class _Accelerator:
    def memory_stats(self):
        return {"bytes_limit": 10_000, "bytes_in_use": 0}


def test_an_accelerator_holds_the_corpus_beside_the_trials():
    room = trial_batches._room(1000, [_Accelerator()] * 4)
    assert room == trial_batches.SHARE * 10_000 - 1000


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus()


@pytest.mark.slow
def test_results_depend_on_neither_order_nor_size_of_chunks(corpus):
    """Two programs: see experiment_test."""
    plan = toys.plan(corpus).part([0, 1], [3, 1])
    conditions = [
        toys.CONDITION,
        make(**settings(toys.CONDITION) | {"alpha": 0.4, "noise": 0.1}),
    ]
    places = trial_batches.Chunk(range(2), range(2), range(2))
    *_, outcome = trial_batches.run(corpus, conditions, plan, places)
    expected = merging.of_chunk(places, outcome)
    parts = []
    for condition, fold in ((1, 0), (0, 1), (0, 0), (1, 1)):
        part = trial_batches.Chunk([1, 0], [condition], [fold])
        devices = jax.devices()[:1]
        *_, outcome = trial_batches.run(corpus, conditions, plan, part, devices=devices)
        parts.append(merging.of_chunk(part, outcome))
        parts[-1] = merging.unpack(merging.pack(part, parts[-1]))
    found = merging.merge(parts, plan, conditions)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (found.epoch == 2).all() and np.isnan(found.validation_ua).all()
    assert len(np.unique(found.parameters.reshape(8, -1), axis=0)) == 8


@pytest.mark.parametrize("most", [1, 4, 1000])
@pytest.mark.parametrize("processes", [1, 3])
def test_what_chunks_found_comes_to_where_their_trials_are(most, processes):
    conditions, plan = [MEAN, FINAL, SMOOTH], _plan(2, 3)
    axes = 2, 3, 3
    draw = np.random.default_rng(0)
    shapes = [(), (2,), (4,), (4,), (5, 4), (32,), (), (), (4, 2, 10)]
    expected = merging.Results(*(draw.random((*axes, *shape)) for shape in shapes))
    # One pooling of the two has fewer clusters.
    expected.assignment[:, 1, ..., 1, :] = np.nan
    parts = []
    for chunk in chain(*_cuts(plan, conditions, most, processes)):
        part = merging.Results(*(field[np.ix_(*chunk)] for field in expected))
        if 1 in chunk.conditions:
            part = part._replace(assignment=part.assignment[..., :1, :])
        parts.append((chunk, part))
    for order in parts, parts[::-1]:
        found = merging.merge(order, plan, conditions)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_part_of_a_chunks_results_is_that_of_its_trials():
    outer, inner = (
        trial_batches.Chunk([3, 1], [0, 2], [5, 4]),
        trial_batches.Chunk([1], [2, 0], [4]),
    )
    values = np.arange(8).reshape(2, 2, 2)
    found = merging.part(outer, merging.Results(*[values] * 9), inner)
    assert all((one == [[[7], [5]]]).all() for one in found)


@pytest.fixture(scope="module")
def short():
    return toys.corpus(speakers=3, longest=16)  # one shape, so few programs


@pytest.mark.long
@pytest.mark.parametrize(
    ("seeds", "most", "processes"), [((3,), 4, 1), ((0, 5), 1000, 3)]
)
def test_results_of_several_programs_do_not_depend_on_the_cut(
    short, seeds, most, processes
):
    plan = batches.plan(short.length, folds.make(short, "speaker"), seeds, 2, 8)
    conditions = [MEAN, FINAL, SMOOTH]
    parts = []
    for chunk in chain(*_cuts(plan, conditions, most, processes)):
        *_, outcome = trial_batches.run(short, conditions, plan, chunk)
        results = merging.of_chunk(chunk, outcome)
        parts.append(merging.unpack(merging.pack(chunk, results)))
    assert len(parts) > 1
    merged = merging.merge(parts, plan, conditions)
    for place, condition in enumerate(conditions):
        *_, outcome = experiment.run(short, [condition], plan)
        np.testing.assert_array_equal(
            merged.probabilities[:, place], outcome.probabilities
        )
        np.testing.assert_array_equal(merged.loss[:, place], outcome.loss)
        assert (merged.epoch == 2).all() and np.isnan(merged.validation_ua).all()


@pytest.mark.long
@pytest.mark.parametrize("most", [1, 7, 1000])
def test_nor_do_those_of_several_programs_in_any_order(short, most):
    plan = batches.plan(short.length, folds.make(short, "speaker"), (0, 5, 9), 2, 8)
    conditions = [MEAN, FINAL, SMOOTH]

    def trained(plan, conditions, most):
        cut = trial_batches.cut(plan, conditions, trial_batches.at_most(most))
        for chunk in cut:
            *_, outcome = trial_batches.run(short, conditions, plan, chunk)
            yield chunk, merging.of_chunk(chunk, outcome)

    expected = merging.merge(trained(plan, conditions, 1000), plan, conditions)
    draw = np.random.default_rng(most)
    seeds, order, of_folds = (draw.permutation(3) for _ in range(3))
    shuffled = plan.part(seeds, of_folds)
    others = [conditions[place] for place in order]
    found = merging.merge(trained(shuffled, others, most), shuffled, others)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other[np.ix_(seeds, order, of_folds)])


def test_halves_are_together_the_whole():
    for chunk in (
        trial_batches.Chunk([0], [1], [4, 2]),
        trial_batches.Chunk(range(5), [1, 2], [3]),
    ):
        parts = trial_batches.halves(chunk)
        assert len(parts) == 2
        assert all(trial_batches.within(part, chunk) for part in parts)
        cells = [cell for part in parts for cell in product(*part)]
        assert sorted(cells) == sorted(product(*chunk))
    assert not trial_batches.within(
        trial_batches.Chunk([0], [1], [2]), trial_batches.Chunk([0], [1], [3])
    )


def test_a_step_on_a_cpu_is_short():
    plan = _plan(3, 10)._replace(lengths=np.array([5, 40_000, 60_000]), batch_size=2)
    fits = trial_batches.brief(plan)
    assert fits(trial_batches.Chunk([0], [0], range(10)))
    assert not fits(trial_batches.Chunk([0], [0], range(11)))


@pytest.mark.slow
def test_the_digest_of_parameters_is_that_of_their_bytes(corpus):
    plan = toys.plan(corpus)
    chunk = trial_batches.Chunk([0, 1], [0], range(4))
    *_, outcome = trial_batches.run(corpus, [toys.CONDITION], plan, chunk)
    found = merging.of_chunk(chunk, outcome).parameters
    for seed, fold in product(range(2), range(4)):
        leaves = [leaf[seed, fold] for leaf in jax.tree.leaves(outcome.params)]
        whole = hashlib.sha256(np.concatenate([x.ravel() for x in leaves]))
        assert found[seed, 0, fold].tobytes() == whole.digest()
    assert len(np.unique(found.reshape(8, -1), axis=0)) == 8
