from dataclasses import replace

import jax
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser.data import dataset
from vladser.engine import placement
from vladser.errors import InputError
from vladser.features import packed
from vladser.types import Utterance

pytestmark = pytest.mark.numeric


def _frames(corpus, rows):
    return [
        corpus.frames[corpus.offset[n] : corpus.offset[n] + corpus.length[n]]
        for n in rows
    ]


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
    corpus = toys.corpus()
    for each in (corpus, dataset.standardize_by_speaker(corpus)):
        mesh = placement.mesh(1, 2)
        assert mesh.size == 2
        frames = dataset.to_device(each, placement.everywhere(mesh)).frames
        places = {s.data.unsafe_buffer_pointer() for s in frames.addressable_shards}
        assert places == {each.frames.ctypes.data}


def test_all_cpu_devices_read_joined_features_in_place():
    draw = np.random.default_rng(0)
    joined = packed.join({name: draw.normal(size=(7, 5)) for name in "ab"})
    utterances = [Utterance(name, None, name, "sad") for name in joined]
    corpus = dataset.build(utterances, joined, ["sad"], "toy")
    frames = dataset.to_device(
        corpus, placement.everywhere(placement.mesh(1, 2))
    ).frames
    places = {s.data.unsafe_buffer_pointer() for s in frames.addressable_shards}
    assert places == {joined.frames.ctypes.data}


def test_part_of_a_packed_corpus_is_a_corpus_of_its_own():
    draw = np.random.default_rng(0)
    features = {name: draw.normal(size=(n + 2, 5)) for n, name in enumerate("abc")}
    utterances = [Utterance(name, None, name, "sad") for name in "ca"]
    joined = packed.join(features)
    from_pack = dataset.build(utterances, joined, ["sad"], "toy")
    plain = dataset.build(utterances, features, ["sad"], "toy")
    assert dataset.digest(from_pack) == dataset.digest(plain)
    expected = np.concatenate([features["c"], features["a"], np.zeros((4, 5))])
    np.testing.assert_array_equal(from_pack.frames, expected.astype(np.float32))


def test_scaler_equals_numpy_over_all_frames_of_the_rows():
    # Columns at the scales of openSMILE: one whose spread is a millionth of its mean.
    scales = np.array([1, 1e-3, 6e6, 1e3, 1])
    offsets = np.array([0, 0, 6e6, 1e9, 1e-3])

    def frames(label, length, draw):
        return draw.normal(size=(length, 5)) * scales + offsets

    corpus = toys.corpus(frames=frames)
    rows = np.flatnonzero(corpus.speaker != 1)
    mean, scale = dataset.scaler(dataset.moments(corpus), rows)
    joined = np.concatenate(_frames(corpus, rows)).astype(np.float64)
    # Computed in float64, each column is rounded once.
    for column in range(5):
        assert_same(mean[column], joined.mean(axis=0)[column], 1)
        assert_same(1 / scale[column], joined.std(axis=0)[column], 1)


def test_moments_are_numpys_of_each_utterance():
    corpus = toys.corpus()
    found = dataset.moments(corpus)
    frames = _frames(corpus, range(len(corpus.length)))
    np.testing.assert_array_equal(found.count, [len(one) for one in frames])
    mean = np.stack([one.mean(axis=0, dtype=float) for one in frames])
    assert_same(found.mean, mean, 40)
    squares = [len(one) * one.var(axis=0, dtype=float) for one in frames]
    assert_same(found.squares, np.stack(squares), 40)


def test_scaler_ignores_all_other_utterances():
    corpus = toys.corpus()
    rows = np.flatnonzero(corpus.speaker != 1)
    other = replace(corpus, frames=corpus.frames.copy())
    for frames in _frames(other, np.flatnonzero(corpus.speaker == 1)):
        frames[:] = np.nan
    for a, b in zip(
        dataset.scaler(dataset.moments(corpus), rows),
        dataset.scaler(dataset.moments(other), rows),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_constant_column_is_only_centered():
    def frames(label, length, draw):
        frames = draw.normal(size=(length, 5))
        frames[:, 2], frames[:, 3] = 0, 7e5
        return frames

    corpus = toys.corpus(frames=frames)
    mean, scale = dataset.scaler(dataset.moments(corpus), np.arange(10))
    assert scale[2] == scale[3] == 1
    assert mean[2] == 0 and mean[3] == np.float32(7e5)


def test_standardize_by_speaker():
    plain = toys.corpus(frames=lambda label, n, draw: draw.normal(3, 2, (n, 5)))
    corpus = dataset.standardize_by_speaker(plain)
    for speaker in range(len(corpus.speakers)):
        rows = np.flatnonzero(corpus.speaker == speaker)
        frames = np.concatenate(_frames(plain, rows)).astype(float)
        expected = (frames - frames.mean(axis=0)) / frames.std(axis=0)
        found = np.concatenate(_frames(corpus, rows))
        assert_same(found, expected, 2)  # of float32
    assert (corpus.frames[corpus.length.sum() :] == 0).all()
    assert corpus.frames.dtype == np.float32


def test_codes_stand_for_names_in_order():
    said = [
        ("b", "sad", "2", "test"),
        ("a", "angry", None, None),
        ("b", "sad", "1", ""),
    ]
    utterances = [
        Utterance(f"u{n}", None, speaker, emotion, session=session, split=split)
        for n, (speaker, emotion, session, split) in enumerate(said)
    ]
    features = {f"u{n}": np.full((n + 1, 2), n, np.float32) for n in range(3)}
    corpus = dataset.build(utterances, features, ["sad", "happy", "angry"], "toy")
    assert corpus.speakers == ("a", "b") and corpus.sessions == ("1", "2")
    assert corpus.emotions == ("sad", "happy", "angry")
    assert corpus.utterances == ("u0", "u1", "u2")
    for found, expected in (
        (corpus.speaker, [1, 0, 1]),
        (corpus.session, [1, -1, 0]),
        (corpus.label, [0, 2, 0]),
        (corpus.split, ["test", "", ""]),
        (corpus.offset, [0, 1, 3]),
        (corpus.length, [1, 2, 3]),
        (corpus.frames[:, 1], [0, 1, 1, 2, 2, 2, 0, 0, 0]),
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "field", ["frames", "offset", "length", "label", "speaker", "session", "split"]
)
def test_the_digest_is_of_each_array(field):
    corpus = toys.corpus()
    array = getattr(corpus, field).copy()
    array[0] = "test" if field == "split" else array[0] + 1
    other = replace(corpus, **{field: array})
    assert dataset.digest(other) != dataset.digest(corpus)
    assert dataset.digest(toys.corpus()) == dataset.digest(corpus)


def test_features_of_different_width_are_refused():
    corpus = toys.corpus()
    with pytest.raises(InputError, match="no utterance"):
        dataset.build([], {}, corpus.emotions, "toy")
    one, two = (Utterance(n, None, n, "sad") for n in "ab")
    features = {"a": np.zeros((3, 5)), "b": np.zeros((3, 6))}
    with pytest.raises(InputError, match=r"b: features of shape \(3, 6\)"):
        dataset.build([one, two], features, ["sad"], "toy")
