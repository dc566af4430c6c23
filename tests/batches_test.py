import numpy as np
import pytest
import toys

from vladser.data import batches, folds
from vladser.types import Fold

SEEDS, BATCH, NONE = (0, 7), 8, np.array([], int)


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus(speakers=5, per_class=6, longest=300)


@pytest.fixture(scope="module")
def plan(corpus):
    return batches.plan(corpus.length, folds.make(corpus, "speaker"), SEEDS, 3, BATCH)


def _rows(plan, epoch):
    """[seeds, folds, steps, batch_size]."""
    return np.stack(list(plan.epoch(epoch)), axis=2)


def _mean_length(lengths, rows):
    """Of the utterances of each minibatch [..., B]."""
    total = np.where(rows >= 0, lengths[rows], 0).sum(axis=-1)
    return total / np.maximum((rows >= 0).sum(axis=-1), 1)


def test_an_epoch_has_every_training_row_once_the_longest_of_a_batch_first(
    plan, corpus
):
    rows = _rows(plan, 1)
    for fold, made in enumerate(plan.folds):
        for seed in range(len(SEEDS)):
            seen = rows[seed, fold].ravel()
            assert sorted(seen[seen >= 0]) == sorted(made.train)
    assert plan.training_frames() == corpus.length[rows[rows >= 0]].sum()
    lengths = np.where(rows >= 0, corpus.length[rows], 0)
    assert (np.diff(lengths, axis=-1) <= 0).all()  # empty rows last


@pytest.mark.parametrize(
    ("rows", "batch", "sizes"),
    [
        (297, 32, [24, 24, 25, *[32] * 7]),  # not 9 for the last, and 32 for the others
        (32, 32, [32]),
        (33, 32, [16, 17]),
        (7, 32, [7]),
        (1, 8, [1]),
        (20, 12, [10, 10]),  # 12 is no multiple of 8
        (21, 12, [10, 11]),
    ],
)
def test_minibatches_are_few_and_as_equal_as_slices_of_8_rows_allow(rows, batch, sizes):
    fold = Fold("", np.arange(rows), NONE, NONE)
    plan = batches.plan(np.full(rows, 5), [fold], [0], 1, batch)
    live = (_rows(plan, 1) >= 0).sum(axis=-1)
    assert sorted(live.ravel()) == sizes


def test_minibatches_are_no_larger_than_the_largest_training_set(corpus):
    made = folds.make(corpus, "speaker")
    most = max(len(fold.train) for fold in made)
    two = (batches.plan(corpus.length, made, SEEDS, 3, n) for n in (most, 100_000))
    one, other = (_rows(plan, 1) for plan in two)
    assert one.shape[2:] == (1, most)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_evaluation_is_alike_for_all_seeds_and_begins_with_the_longest(corpus, part):
    made = folds.make(toys.corpus(speakers=6), "speaker", "partner")[:4]
    made[0] = made[0]._replace(**{part: getattr(made[0], part)[:3]})
    plan = batches.plan(corpus.length, made, SEEDS, 3, BATCH)
    rows, places = map(np.stack, zip(*plan.evaluation(part), strict=True))
    rows, places = np.moveaxis(rows, 0, 2), np.moveaxis(places, 0, 2)
    most = max(len(getattr(fold, part)) for fold in made)
    assert rows.shape == (2, 4, -(-most // BATCH), BATCH)
    np.testing.assert_array_equal(rows[0], rows[1])
    for tested, place, fold in zip(rows[0], places[0], made, strict=True):
        utterances, live = getattr(fold, part), tested >= 0
        expected = sorted(utterances, key=lambda n: (-corpus.length[n], n))
        filled = tested.size - len(expected)
        np.testing.assert_array_equal(tested.ravel(), [*expected, *[-1] * filled])
        np.testing.assert_array_equal(utterances[place[live]], tested[live])


def test_steps_are_shuffled_anew_for_each_epoch_and_seed_and_alike_for_folds(
    plan, corpus
):
    orders = []
    for epoch in (1, 2, 3):
        length = _mean_length(corpus.length, _rows(plan, epoch))
        longest = length.argmax(axis=-1)
        # The longest minibatch has one place for all folds of a seed.
        assert (longest == longest[:, :1]).all()
        for of_step in np.moveaxis(length, 2, 0).reshape(-1, len(plan.folds)):
            assert np.ptp(of_step[of_step > 0]) < 80  # of 5 to 300 frames
        orders += [tuple(np.argsort(-length[seed, 0])) for seed in range(len(SEEDS))]
    assert len(set(orders)) == 6 and tuple(range(plan.steps)) not in orders
