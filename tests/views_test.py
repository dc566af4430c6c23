"""Datasets that devices see a step at a time; two CPU devices."""

from dataclasses import replace
from unittest import mock

import jax
import numpy as np
import pytest
import toys
from closeness import assert_equal

from vladser import machine
from vladser.data import batches, folds
from vladser.engine import placement, trial_batches, views
from vladser.engine.trial_batches import TrialBatch
from vladser.engine.views import View
from vladser.features import packed

CORPUS = toys.corpus()


def _unread(corpus):
    """The same, of which nothing is in memory."""

    def read(row):
        return corpus.frames[toys.span(corpus, row)].astype(np.float64)

    frames = packed.Unread(corpus.length, corpus.frames.shape[1], read)
    return replace(corpus, frames=frames)


def _plan(corpus, seeds=(0, 1), size=8):
    return batches.plan(corpus.length, folds.make(corpus, "speaker"), seeds, 2, size)


@pytest.mark.slow
@pytest.mark.parametrize("standardize", ["train", "speaker"])
@pytest.mark.numeric
def test_results_are_the_same_to_the_bit(standardize):
    options = {"standardize": standardize, "validation": True}
    design = toys.design(CORPUS, [toys.CONDITION, toys.OTHER], **options)
    _, expected = toys.train(design)
    _, found = toys.train(replace(design, datasets=[_unread(CORPUS)] * 2))
    assert_equal(found, expected)


@pytest.mark.parametrize("seed", range(5))
def test_a_view_of_rows_has_their_frames_labels_and_levels(seed):
    draw = np.random.default_rng(seed)
    ratings = draw.uniform(1, 5, (len(CORPUS.label), 2)).astype(np.float32)
    corpus = replace(CORPUS, views=ratings)
    how = _plan(corpus), placement.mesh(2, 4)
    view, whole = View(_unread(corpus), *how), View(corpus, *how)
    rows = draw.integers(-1, len(corpus.label), (2, 4, 8)).astype(np.int32)
    (here, seen), (everything, same) = view(rows), whole(rows)
    assert same is rows and seen.shape == rows.shape
    np.testing.assert_array_equal(seen < 0, rows < 0)
    for row, place in zip(rows[rows >= 0], seen[seen >= 0], strict=True):
        start = int(here.offset[place])
        frames = np.asarray(here.frames)[start : start + int(here.length[place])]
        np.testing.assert_array_equal(frames, CORPUS.frames[toys.span(CORPUS, row)])
        for name in "label", "views", "length":
            expected = np.asarray(getattr(everything, name))[row]
            np.testing.assert_array_equal(getattr(here, name)[place], expected)


def test_buffers_have_few_sizes_and_grow_where_they_must(monkeypatch):
    corpus = _unread(CORPUS)
    assert len(View(corpus, _plan(corpus), placement.mesh(2, 4)).sizes) == 1
    monkeypatch.setattr(placement, "one_by_one", lambda mesh: False)
    view = View(corpus, _plan(corpus, seeds=[0]), placement.mesh(1, 4))
    quarter, half, most = sizes = list(view.sizes)
    assert quarter < half < most == np.sort(corpus.length)[-32:].sum()
    none, few = np.full((1, 4, 8), -1), np.arange(8)[None, None]
    assert len(view(none)[0].frames) == len(view(few)[0].frames) == quarter
    assert [len(view(none, size)[0].frames) for size in sizes] == sizes
    all = np.arange(len(corpus.label))[None, None]
    assert len(view(all)[0].frames) == 2 * most >= corpus.length.sum()


def test_what_takes_half_of_a_device_is_not_put_there(monkeypatch):
    mesh, size = placement.mesh(1, 2), CORPUS.frames.nbytes
    for room, expected in [(2 * size, True), (2 * size - 1, False)]:
        monkeypatch.setattr(machine, "memory", lambda room=room: room)
        assert views.whole(CORPUS, mesh) is expected
    assert not views.whole(_unread(CORPUS), mesh)
    gpu = mock.Mock(platform="gpu", memory_stats=lambda: {"bytes_limit": 2 * size})
    monkeypatch.setattr(jax, "local_devices", lambda: [gpu])
    assert views.whole(CORPUS, placement.mesh(1, 2))


def test_a_corpus_takes_the_memory_of_two_steps():
    corpus = toys.corpus(per_class=400)
    one, taken = TrialBatch([0], [0], [0, 1]), []
    for data in corpus, _unread(corpus):
        taken.append(trial_batches.memory(toys.design(data, seeds=[0]), one))
    assert taken[0] - taken[1] > 0.7 * corpus.frames.nbytes / 2  # by two devices


@pytest.mark.parametrize("count", [1, 3])
def test_steps_seldom_need_more_than_is_expected(count):
    """The minibatches of eight folds drift apart as these leave out one or another."""
    corpus = _unread(toys.corpus(speakers=8, per_class=40))
    plan, mesh = _plan(corpus, range(count)), placement.mesh(count, 8)
    rows = [rows[rows >= 0] for epoch in (1, 2) for rows in plan.epoch(epoch)]
    most = max(corpus.length[np.unique(step)].sum() for step in rows)
    assert most <= views.frames(corpus, plan, mesh) / 2 < corpus.length.sum()
