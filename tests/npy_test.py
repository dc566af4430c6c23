import io
import os

import numpy as np
import pytest

from vladser.features.audio import BadAudio
from vladser.features.extraction import each, expect, extract
from vladser.features.npy import npy
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


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_of_any_size_and_order_are_read(saved, kind, order, tmp_path):
    values = DRAW.normal(size=(7, 3)).astype(kind)
    one = saved("a", np.array(values, order=order))
    ((_, each_one),) = each([one], tmp_path, features=npy())
    for found in each_one, extract([one], tmp_path, features=npy()).features["a"]:
        assert found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_array_equal(found, values.astype(np.float32))


def test_the_features_of_a_corpus_are_one_buffer_and_no_other_file(saved, tmp_path):
    wanted = {f"u{n}": DRAW.normal(size=(n + 2, 5)).astype("f") for n in range(4)}
    utterances = [saved(name, values) for name, values in wanted.items()]
    steps, cache_dir = [], tmp_path / "cache"
    found = extract(utterances, cache_dir, features=npy(), progress=steps.append)
    assert found.feature_set == "npy-5" and not found.bad
    assert (found.computed, found.cached) == (0, 4)
    assert steps == [1] * 4
    assert [*found.features] == [*wanted]
    frames = np.concatenate([*wanted.values(), np.zeros((5, 5))])
    np.testing.assert_array_equal(found.features.frames, frames)
    assert not cache_dir.exists()


def test_the_id_has_the_name_that_is_given(saved, tmp_path):
    one = saved("a", np.ones((4, 3)))
    found = extract([one], tmp_path, features=npy(name="wav2vec2-base"))
    assert found.feature_set == "npy-wav2vec2-base-3"


def test_the_dimension_is_that_of_most_files_or_the_one_that_is_said(saved, tmp_path):
    odd = saved("odd", np.ones((2, 9)))
    others = [saved(name, np.ones((2, 3))) for name in "ab"]
    found = extract([odd, *others], tmp_path, features=npy())
    assert [*found.features] == ["a", "b"]
    assert found.bad == {"odd": f"{odd.file}: has D = 9: expected 3"}
    assert expect([odd, *others], npy(), 60.0) == ({"a": 2, "b": 2}, 3)
    found = extract([odd, *others], tmp_path, features=npy(dim=9))
    assert [*found.features] == ["odd"] and [*found.bad] == ["a", "b"]


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


NONE = "is no .npy file as np.save writes it"
BAD = [
    (lambda folder: None, "cannot be read: No such file"),
    (lambda folder: (folder / "bad.npy").mkdir(), "is a folder"),
    (lambda folder: os.mkfifo(folder / "bad.npy"), "or a device"),
    (lambda folder: (folder / "bad.npy").write_text("words"), NONE),
    (lambda folder: (folder / "bad.npy").write_bytes(b""), NONE),
    (zipped, NONE),
    (cut, "is no whole .npy file"),
    (two, "has 304 bytes: its shape (2, 3) takes 152"),
    (array([1.0, 2.0]), "shape (2,): expected [frames, D]"),
    (array([[[1.0]]]), "shape (1, 1, 1): expected [frames, D]"),
    (array(np.ones((0, 3))), ""),
    (array(np.ones((3, 0))), ""),
    (array([[1, 2, 3]]), "holds int64: expected float16, float32, float64"),
    (array([[1j, 2, 3]]), "holds complex128"),
    (array([[None, {}, 3]], dtype=object), NONE),
    (array([[1.0, np.nan, 3.0]]), "NaN"),
    (array([[1.0, -np.inf, 3.0]]), "beyond the range"),
    (array([[1.0, 1e39, 3.0]]), "beyond the range"),
    (array([[1.0, 2.0]]), "has D = 2: expected 3"),
]


@pytest.mark.parametrize(("spoil", "reason"), BAD)
def test_a_bad_file_is_named_with_the_reason_and_costs_no_other(
    saved, tmp_path, spoil, reason
):
    good = saved("good", np.ones((4, 3), "f"))
    spoil(tmp_path)
    bad = utterance(tmp_path / "bad.npy")
    all = [good, bad, saved("more", np.ones((1, 3)))]
    found = extract(all, tmp_path, features=npy())
    assert [*found.features] == ["good", "more"]
    said = found.bad.pop("bad")
    assert said.startswith(f"{bad.file}: ") and reason in said and "\n" not in said
    assert not found.bad
    outcomes = dict(each(all, tmp_path, features=npy()))
    assert isinstance(outcomes[bad], BadAudio)
    np.testing.assert_array_equal(outcomes[good], np.ones((4, 3)))


def test_where_no_file_is_good_there_are_no_features(tmp_path):
    found = extract([utterance(tmp_path / "none.npy")], tmp_path, features=npy())
    assert not found.features and [*found.bad] == ["none"]


@pytest.mark.parametrize("times", [{"start": 0.0}, {"end": 1.0}])
def test_a_segment_is_bad(saved, tmp_path, times):
    part = utterance(saved("a", np.ones((4, 3))).file, **times)
    found = extract([part], tmp_path, features=npy())
    assert "has no segments (start, end)" in found.bad["a"]


def test_expected_shapes_are_those_of_the_headers(saved, tmp_path):
    files = [saved("a", np.ones((4, 3))), saved("b", np.full((9, 3), np.nan))]
    missing = utterance(tmp_path / "c.npy")
    assert expect([*files, missing], npy(), 60.0) == ({"a": 4, "b": 9}, 3)
