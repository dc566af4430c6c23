from dataclasses import replace

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same
from jax.sharding import NamedSharding

from vladser import machine
from vladser.data import dataset
from vladser.engine import placement
from vladser.errors import InputError
from vladser.features import packed
from vladser.types import Utterance

pytestmark = pytest.mark.numeric


def _frames(corpus, rows):
    return [corpus.frames[toys.span(corpus, row)] for row in rows]


_gather = jax.jit(dataset.gather, static_argnums=3)


@pytest.mark.parametrize("start", [0, 7])
def test_gather_returns_a_part_of_the_utterances_time_first(start):
    corpus = toys.corpus()
    rows = np.array([3, -1, len(corpus.label) - 1, 0])
    length = int(corpus.length.max()) + 5
    buffer = dataset.to_device(corpus)
    frames, mask = jax.device_get(_gather(buffer, rows, start, length))
    assert frames.shape == (length, 4, 5)
    for column, row in enumerate(rows):
        expected = _frames(corpus, [row])[0][start:] if row >= 0 else []
        kept = np.arange(length) < len(expected)
        np.testing.assert_array_equal(mask[:, column], kept)
        if row >= 0:
            np.testing.assert_array_equal(frames[kept, column], expected)


def test_all_cpu_devices_read_the_corpus_in_place():
    joined = packed.join({name: np.ones((7, 5)) for name in "ab"})
    utterances = [Utterance(name, None, name, "sad") for name in joined]
    corpus = dataset.build(utterances, joined, ["sad"], "toy")
    assert corpus.frames is joined.frames
    for each in corpus, dataset.standardize_by_speaker(corpus):
        mesh = placement.mesh(1, 2)
        assert mesh.size == 2
        frames = dataset.to_device(each, NamedSharding(mesh, placement.SHARED)).frames
        places = {s.data.unsafe_buffer_pointer() for s in frames.addressable_shards}
        assert places == {each.frames.ctypes.data}


def test_moments_and_scaler_are_numpys_and_of_their_rows_alone():
    # Columns at the scales of openSMILE: one whose spread is a millionth of its mean,
    # and two that are constant, which are only centered.
    scales = np.array([1e-3, 6e6, 1e3, 0, 0])
    offsets = np.array([0, 6e6, 1e9, 0, 7e5])

    def frames(label, length, draw):
        return draw.normal(size=(length, 5)) * scales + offsets

    corpus = toys.corpus(frames=frames)
    rows = np.arange(len(corpus.length))
    each = [x.astype(float) for x in _frames(corpus, range(len(corpus.length)))]
    # Sets that hold no one's utterances whole, nor each other's.
    sets = [rows % 3 == 0, corpus.speaker != 1, corpus.label == 2]
    sets = [*map(np.flatnonzero, sets)]
    moments = dataset.moments(corpus, sets)
    for group in range(moments.group.max() + 1):
        members = np.flatnonzero(moments.group == group)
        assert all(len({*map(bool, np.isin(members, rows))}) == 1 for rows in sets)
        joined = np.concatenate([each[row] for row in members])
        assert moments.count[group] == len(joined)
        assert_same(moments.mean[group], joined.mean(axis=0), 40)
    for rows in sets:
        mean, scale = dataset.scaler(moments, rows)
        joined = np.concatenate([each[row] for row in rows])
        # Computed in float64, each column is rounded once.
        for column, constant in enumerate(scales == 0):
            assert_same(mean[column], joined[:, column].mean(), 1)
            deviation = 1.0 if constant else joined[:, column].std()
            assert_same(1 / scale[column], deviation, 1)
        hidden = np.setdiff1d(np.arange(len(each)), rows)
        unseen = moments.mean.copy(), moments.squares.copy()
        for part in unseen:
            part[moments.group[hidden]] = np.nan
        again = dataset.scaler(
            moments._replace(mean=unseen[0], squares=unseen[1]), rows
        )
        np.testing.assert_array_equal(again, (mean, scale))


def test_standardize_by_speaker():
    plain = toys.corpus(frames=lambda label, n, draw: draw.normal(3, 2, (n, 5)))
    corpus = dataset.standardize_by_speaker(plain)
    for speaker in range(len(corpus.speakers)):
        rows = np.flatnonzero(corpus.speaker == speaker)
        frames = np.concatenate(_frames(plain, rows)).astype(float)
        expected = (frames - frames.mean(axis=0)) / frames.std(axis=0)
        assert_same(np.concatenate(_frames(corpus, rows)), expected, 2)  # of float32
    assert (corpus.frames[corpus.length.sum() :] == 0).all()
    assert corpus.frames.dtype == np.float32


def test_a_corpus_that_fits_once_is_not_copied_to_be_standardized(monkeypatch):
    plain = toys.corpus()
    expected = dataset.standardize_by_speaker(plain)
    monkeypatch.setattr(machine, "memory", lambda: 4 * plain.frames.nbytes - 1)
    corpus = dataset.standardize_by_speaker(plain)
    assert isinstance(corpus.frames, packed.Unread)
    rows = range(len(plain.length))
    for one, other in zip(_frames(corpus, rows), _frames(expected, rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_what_stays_in_files_a_part_does_too(tmp_path):
    """Where other features cannot describe all utterances."""
    files = {name: tmp_path / f"{name}.npy" for name in "abc"}
    for place, file in enumerate(files.values()):
        np.save(file, np.full((2, 3), place))
    utterances = [Utterance(name, None, name, "sad") for name in "ac"]
    corpus = dataset.build(utterances, packed.join(files, 0), ["sad"], "toy")
    assert isinstance(corpus.frames, packed.Unread)
    assert _frames(corpus, [1])[0].tolist() == [[2] * 3] * 2


def test_codes_stand_for_names_in_order():
    utterances = [
        Utterance("u0", None, "b", "sad", session="2", split="test"),
        Utterance("u1", None, "a", "angry"),
        Utterance("u2", None, "b", "sad", session="1"),
    ]
    features = {f"u{n}": np.full((n + 1, 2), n, np.float32) for n in range(3)}
    corpus = dataset.build(utterances, features, ["sad", "happy", "angry"], "toy")
    assert corpus.emotions == ("sad", "happy", "angry")
    assert corpus.utterances == ("u0", "u1", "u2")
    assert corpus.speakers == ("a", "b") and corpus.speaker.tolist() == [1, 0, 1]
    assert corpus.sessions == ("1", "2") and corpus.session.tolist() == [1, -1, 0]
    assert corpus.label.tolist() == [0, 2, 0]
    assert corpus.split.tolist() == ["test", "", ""]
    assert corpus.offset.tolist() == [0, 1, 3] and corpus.length.tolist() == [1, 2, 3]
    assert corpus.frames[:, 1].tolist() == [0, 1, 1, 2, 2, 2, 0, 0, 0]


def test_the_digest_is_of_each_array():
    corpus, digests = toys.corpus(), [dataset.digest(toys.corpus())]
    assert dataset.digest(corpus) == digests[0]
    for field, value in vars(corpus).items():
        if isinstance(value, np.ndarray):
            array = value.copy()
            # A text and NaN have no other one behind them.
            array[0] = {"split": "test", "views": 3.0}.get(field) or array[0] + 1
            digests.append(dataset.digest(replace(corpus, **{field: array})))
    assert len({*digests}) == len(digests) == 9


def test_what_is_no_corpus_is_refused():
    with pytest.raises(InputError, match="no utterance"):
        dataset.build([], {}, ["sad"], "toy")
    utterances = [Utterance(name, None, name, "sad") for name in "ab"]
    features = {"a": np.zeros((3, 5)), "b": np.zeros((3, 6))}
    with pytest.raises(InputError, match=r"b: features of shape \(3, 6\)"):
        dataset.build(utterances, features, ["sad"], "toy")
