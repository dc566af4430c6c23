import csv
import json
import os

import launching
import numpy as np
import pytest

from vladser.features.extraction import extract
from vladser.features.headers import expect
from vladser.features.npy import npy
from vladser.types import Utterance

pytestmark = pytest.mark.fault("arrays")

DRAW = np.random.default_rng(0)


def utterance(file, **segment):
    return Utterance(file.stem, file, "speaker", "neutral", **segment)


@pytest.fixture
def saved(tmp_path):
    def save(name, array):
        np.save(tmp_path / f"{name}.npy", array)
        return utterance(tmp_path / f"{name}.npy")

    return save


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_of_any_size_and_order_are_read(saved, kind, order, tmp_path):
    values = DRAW.normal(size=(7, 3)).astype(kind)
    one = saved("a", np.array(values, order=order))
    found = extract([one], tmp_path, features=npy()).features["a"]
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, values.astype(np.float32))


def test_the_features_of_a_corpus_are_one_buffer_and_no_other_file(saved, tmp_path):
    wanted = {f"u{n}": DRAW.normal(size=(n + 2, 5)).astype("f") for n in range(4)}
    utterances = [saved(name, values) for name, values in wanted.items()]
    steps, cache_dir = [], tmp_path / "cache"
    features = npy(name="wav2vec2-base")
    found = extract(utterances, cache_dir, features=features, progress=steps.append)
    assert found.feature_set == "npy-wav2vec2-base-5" and not found.bad
    assert (found.computed, found.cached) == (0, 4)
    assert steps == [1] * 4
    assert [*found.features] == [*wanted]
    frames = np.concatenate([*wanted.values(), np.zeros((5, 5))])
    np.testing.assert_array_equal(found.features.frames, frames)
    assert not cache_dir.exists()


def test_the_dimension_is_that_of_most_files_or_the_one_that_is_said(saved, tmp_path):
    odd = saved("odd", np.ones((2, 9)))
    others = [saved(name, np.full((2, 3), np.nan)) for name in "ab"]
    missing = utterance(tmp_path / "c.npy")
    # The headers say no more.
    frames, dim, bad = expect([odd, *others, missing], npy(), 60.0)
    assert (frames, dim, sorted(bad)) == ({"a": 2, "b": 2}, 3, ["c", "odd"])
    found = extract([odd, *others], tmp_path, features=npy())
    assert found.bad["odd"] == f"{odd.file}: has D = 9: expected 3"
    found = extract([odd, *others], tmp_path, features=npy(dim=9))
    assert [*found.features] == ["odd"] and "expected 9" in found.bad["a"]


def two(file):
    with file.open("wb") as stream:
        np.save(stream, np.ones((2, 3), "f"))
        np.save(stream, np.ones((2, 3), "f"))


def array(values, **how):
    return lambda file: np.save(file, np.array(values, **how))


NONE = "is no whole .npy file as np.save writes it"
BAD = [
    (lambda file: None, "cannot be read: No such file"),
    (os.mkdir, "is a folder"),
    (os.mkfifo, "or a device"),
    (lambda file: file.write_text("words"), NONE),
    (lambda file: file.write_bytes(b""), NONE),
    (lambda file: file.write_bytes(file.with_name("good.npy").read_bytes()[:-1]), NONE),
    (two, "has 304 bytes: its shape (2, 3) takes 152"),
    (array([1.0, 2.0]), "shape (2,): expected [frames, D]"),
    (array(np.ones((0, 3))), ""),
    (array(np.ones((3, 0))), ""),
    (array([[1, 2, 3]]), "holds int64: expected float16, float32, float64"),
    (array([[None, {}, 3]], dtype=object), NONE),
    (array([[1.0, np.nan, 3.0]]), "NaN"),
    (array([[1.0, 1e39, 3.0]]), "beyond the range"),
    (array([[1.0, 2.0]]), "has D = 2: expected 3"),
]


@pytest.mark.parametrize(("spoil", "reason"), BAD)
def test_a_bad_file_is_named_with_the_reason_and_costs_no_other(
    saved, tmp_path, spoil, reason
):
    good = [saved(name, np.ones((4, 3))) for name in ("good", "more")]
    spoil(tmp_path / "bad.npy")
    bad = utterance(tmp_path / "bad.npy")
    found = extract([bad, *good], tmp_path, features=npy())
    assert [*found.features] == ["good", "more"]
    said = found.bad.pop("bad")
    assert said.startswith(f"{bad.file}: ") and reason in said and "\n" not in said
    assert not found.bad


def test_a_changed_byte_costs_at_most_its_file(saved, tmp_path):
    values = DRAW.normal(size=(5, 3)).astype(np.float32)
    utterances = [saved("good", values)]
    whole = utterances[0].file.read_bytes()
    for place in range(len(whole)):
        for byte in DRAW.choice([*b"-9L('O8=", *range(256)], 3):
            file = tmp_path / f"{place}-{byte}.npy"
            file.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            utterances.append(utterance(file))
    found = extract(utterances, tmp_path, features=npy(dim=3))
    np.testing.assert_array_equal(found.features["good"], values)
    assert len(found.bad) > len(whole)
    for id, reason in found.bad.items():
        assert f"{tmp_path / id}.npy: " in reason and "\n" not in reason


def test_a_segment_is_bad_and_where_no_file_is_good_there_are_no_features(
    saved, tmp_path
):
    part = utterance(saved("a", np.ones((4, 3))).file, start=0.0)
    found = extract([part], tmp_path, features=npy())
    assert not found.features and "has no segments (start, end)" in found.bad["a"]


@pytest.mark.slow
def test_npy_files_are_trained_on_and_bad_ones_listed_or_skipped(
    saved, tmp_path, capsys
):
    """Noise around the class."""
    rows, frames = [["file", "speaker", "emotion"]], 0
    for n in range(32):
        values = DRAW.normal(size=(DRAW.integers(5, 30), 6))
        values[:, n % 4] += 2
        saved(str(n), values.astype(np.float16))
        rows.append([f"{n}.npy", f"s{n // 8}", launching.EMOTIONS[n % 4]])
        frames += len(values) if n > 1 else 0
    for bad in "01":
        (tmp_path / f"{bad}.npy").write_text("words")
    with (tmp_path / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)

    def call(*argv):
        corpus = "--corpus=manifest", f"--data_dir={tmp_path / 'corpus.csv'}"
        folders = f"--run_dir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}"
        argv = "--features=npy", *launching.SMALL, *corpus, *folders, *argv
        return launching.call(*argv), *capsys.readouterr()

    status, out, _ = call("--dry_run", "--on_bad_audio=skip")
    assert status == 0
    assert f"manifest: 30 utterances of 4 speakers, {frames:,} frames" in out

    for dry in ["--dry_run"], []:
        status, _, err = call(*dry)
        assert status == 1
        assert all(f"bad files: {tmp_path}/{n}.npy" in err for n in "01")
        assert "error: 2 of 32 utterances have no usable files" in err

    status, _, err = call("--on_bad_audio=skip", "--epochs=30")
    assert status == 0, err
    assert "30 utterances with npy-6 features: 0 extracted, 30 read" in err
    dataset, summary = (
        json.loads((tmp_path / "run" / f"{name}.json").read_text())
        for name in ("dataset", "summary")
    )
    assert (dataset["feature_set"], dataset["features"]) == ("npy-6", 6)
    assert summary["conditions"][0]["ua"]["mean_of_folds"] > 0.7
