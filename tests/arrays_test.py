import io

import numpy as np
import pytest

from vladser.errors import InputError
from vladser.features import arrays
from vladser.features.audio import BadAudio
from vladser.features.extraction import each, extract
from vladser.types import Utterance

DRAW = np.random.default_rng(0)


def utterance(file, **segment):
    return Utterance(file.stem, file, "speaker", "neutral", **segment)


@pytest.fixture
def saved(tmp_path):
    def save(name, array):
        file = tmp_path / f"{name}.npy"
        np.save(file, array, allow_pickle=True)
        return utterance(file)

    return save


def is_mapped(array):
    return array is not None and (
        isinstance(array, np.memmap) or is_mapped(getattr(array, "base", None))
    )


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_of_any_size_and_order_are_read(saved, kind, order, tmp_path):
    values = DRAW.normal(size=(7, 3)).astype(kind)
    file = saved("a", np.array(values, order=order)).file
    found = arrays.load(file)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, values.astype(np.float32))


def test_the_features_of_a_corpus_are_one_mapped_buffer(saved, tmp_path):
    wanted = {n: DRAW.normal(size=(n + 2, 5)).astype("f") for n in range(4)}
    utterances = [saved(f"u{n}", values) for n, values in wanted.items()]
    steps, cache_dir = [], tmp_path / "cache"
    found = extract(utterances, cache_dir, features="npy", progress=steps.append)
    assert found.feature_set == "npy-5" and not found.bad
    assert (found.computed, found.cached) == (0, 4)
    assert steps == [1] * 4
    frames = np.concatenate([*wanted.values(), np.zeros((5, 5))])
    np.testing.assert_array_equal(found.features.frames, frames)
    assert [*found.features] == ["u0", "u1", "u2", "u3"]
    np.testing.assert_array_equal(found.features["u2"], wanted[2])
    assert is_mapped(found.features.frames)
    assert found.features.frames.ctypes.data % 64 == 0
    assert not any(cache_dir.iterdir())


def zipped(folder):
    np.savez(folder / "bad.npy.npz", a=np.ones((2, 3)))
    (folder / "bad.npy.npz").rename(folder / "bad.npy")


def two(folder):
    with (folder / "bad.npy").open("wb") as file:
        np.save(file, np.ones((2, 3), "f"))
        np.save(file, np.ones((2, 3), "f"))


def cut(folder):
    file = io.BytesIO()
    np.save(file, np.ones((2, 3), "f"))
    (folder / "bad.npy").write_bytes(file.getvalue()[:-1])


def array(values, **how):
    return lambda folder: np.save(folder / "bad.npy", np.array(values, **how))


BAD = [
    (lambda folder: None, "cannot be read: No such file"),
    (lambda folder: (folder / "bad.npy").mkdir(), "is a folder"),
    (lambda folder: (folder / "bad.npy").write_text("words"), "is no .npy file"),
    (lambda folder: (folder / "bad.npy").write_bytes(b""), "is no .npy file"),
    (zipped, "is no .npy file"),
    (cut, r"has 151 bytes: its shape \(2, 3\) takes 152"),
    (two, r"has 304 bytes: its shape \(2, 3\) takes 152"),
    (array([1.0, 2.0]), r"shape \(2,\): \[frames, D\] is right"),
    (array([[[1.0]]]), r"shape \(1, 1, 1\): \[frames, D\] is right"),
    (array(np.ones((0, 3))), r"shape \(0, 3\): \[frames, D\] is right"),
    (array(np.ones((3, 0))), r"shape \(3, 0\): \[frames, D\] is right"),
    (array([[1, 2, 3]]), "holds int64: float16, float32, float64 are right"),
    (array([[1j, 2, 3]]), "holds complex128"),
    (array([[None, {}, 3]], dtype=object), "holds object"),
    (array([[1.0, np.nan, 3.0]]), "NaN"),
    (array([[1.0, -np.inf, 3.0]]), "beyond the range"),
    (array([[1.0, 1e39, 3.0]]), "beyond the range"),
    (array([[1.0, 2.0]]), "has D = 2: .*good.npy has D = 3"),
]


@pytest.mark.parametrize(("spoil", "reason"), BAD)
def test_a_bad_file_is_named_with_the_reason_and_costs_no_other(
    saved, tmp_path, spoil, reason
):
    good = saved("good", np.ones((4, 3), "f"))
    spoil(tmp_path)
    bad = utterance(tmp_path / "bad.npy")
    found = extract(
        [good, bad, saved("more", np.ones((1, 3)))], tmp_path, features="npy"
    )
    assert [*found.features] == ["good", "more"]
    with pytest.raises(AssertionError, match=f"{bad.file}: .*{reason}"):
        raise AssertionError(found.bad.pop("bad"))
    assert not found.bad
    outcomes = dict(each([good, bad], tmp_path, features="npy"))
    assert isinstance(outcomes[bad], BadAudio)
    np.testing.assert_array_equal(outcomes[good], np.ones((4, 3)))


def test_where_no_file_is_good_there_are_no_features(tmp_path):
    found = extract([utterance(tmp_path / "none.npy")], tmp_path, features="npy")
    assert not found.features and [*found.bad] == ["none"]


def test_a_segment_is_refused(saved):
    whole = saved("a", np.ones((4, 3)))
    for times in {"start": 0.0}, {"end": 1.0}:
        with pytest.raises(InputError, match=r"a is a segment.* leave start and end"):
            list(arrays.shapes([utterance(whole.file, **times)]))


def test_shapes_are_those_of_the_headers(saved, tmp_path):
    a, b = saved("a", np.ones((4, 3))), saved("b", np.full((9, 3), np.nan))
    missing = utterance(tmp_path / "c.npy")
    found = dict(arrays.shapes([a, b, missing]))
    assert (found[a], found[b]) == ((4, 3), (9, 3))
    assert isinstance(found[missing], BadAudio)


def test_a_folder_that_cannot_be_written_is_said(saved, tmp_path):
    file = saved("a", np.ones((4, 3)))
    with pytest.raises(InputError, match=f"{file.file} cannot be written"):
        extract([file], file.file, features="npy")
