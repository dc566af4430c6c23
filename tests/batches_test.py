import numpy as np
import pytest
import toys

from vladser import batches, folds

SEEDS, BATCH = (0, 7), 8


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus(speakers=5, per_class=6, longest=300)


@pytest.fixture(scope="module")
def plan(corpus):
    return batches.plan(corpus.length, folds.make(corpus, "speaker"), SEEDS, 3, BATCH)


def _rows(plan, epoch):
    return np.stack(list(plan.epoch(epoch)), axis=2)


def test_an_epoch_has_every_training_row_once_and_no_other(plan):
    rows = _rows(plan, 1)
    for fold, made in enumerate(plan.folds):
        for seed in range(len(SEEDS)):
            seen = rows[seed, fold].ravel()
            assert sorted(seen[seen >= 0]) == sorted(made.train)


def test_only_one_batch_an_epoch_is_partial(plan):
    live = (_rows(plan, 2) >= 0).sum(axis=3)
    partial = (live > 0) & (live < BATCH)
    assert (partial.sum(axis=2) <= 1).all()


def test_a_minibatch_has_its_longest_utterance_first_and_its_empty_rows_last(
    plan, corpus
):
    rows = _rows(plan, 1)
    lengths = np.where(rows >= 0, corpus.length[rows], 0)
    assert (np.diff(lengths, axis=-1) <= 0).all()


def test_epochs_and_seeds_differ_and_repeat(plan):
    assert (_rows(plan, 1) == _rows(plan, 1)).all()
    assert (_rows(plan, 1) != _rows(plan, 2)).any()
    assert (_rows(plan, 1)[0] != _rows(plan, 1)[1]).any()


def test_other_seeds_and_folds_do_not_choose_the_rows_of_a_training(plan, corpus):
    alone = batches.plan(corpus.length, plan.folds[1:2], SEEDS[1:], 3, BATCH)
    found, expected = (
        {tuple(row) for row in rows if row.max() >= 0}
        for rows in (_rows(alone, 2)[0, 0], _rows(plan, 2)[1, 1])
    )
    assert found == expected


def test_a_part_has_the_steps_of_the_whole(plan):
    part = plan.part([1], [3, 0])
    assert list(part.seeds) == [7]
    assert [f.held_out for f in part.folds] == ["s3", "s0"]
    for found, expected in zip(part.epoch(2), plan.epoch(2), strict=True):
        np.testing.assert_array_equal(found, expected[1:, [3, 0]])


def test_evaluation_has_every_test_row_once(plan):
    rows = np.stack(list(plan.evaluation("test")), axis=2)
    for fold, made in enumerate(plan.folds):
        seen = rows[0, fold].ravel()
        assert sorted(seen[seen >= 0]) == sorted(made.test)


def test_training_frames_are_counted(plan, corpus):
    rows = _rows(plan, 1)
    assert plan.training_frames() == corpus.length[rows[rows >= 0]].sum()
    assert plan.steps == rows.shape[2]


def test_rows_of_similar_length_share_a_batch(plan, corpus):
    rows = _rows(plan, 1)
    spread = [
        np.ptp(corpus.length[batch[batch >= 0]])
        for batch in rows.reshape(-1, BATCH)
        if (batch >= 0).all()
    ]
    # A random batch of 8 out of 5..300 frames spreads over 230 of them on average.
    assert np.mean(spread) < 80
