"""Experiments on other features than the paper's."""

import csv
import json

import launching
import numpy as np
import pytest
from launching import SMALL

from vladser import registry
from vladser.corpora import manifest
from vladser.features.extraction import extract


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A toy corpus whose features are .npy files, [T, 6]: noise around the class."""
    folder = tmp_path_factory.mktemp("saved")
    draw, rows = np.random.default_rng(0), []
    for speaker in range(4):
        for label, emotion in enumerate(launching.EMOTIONS):
            for take in range(2):
                row = [f"s{speaker}_{emotion}_{take}.npy", f"s{speaker}", emotion]
                values = draw.normal(size=(draw.integers(5, 30), 6))
                values[:, label] += 2
                np.save(folder / row[0], values.astype(np.float16))
                rows.append(row)
    with (folder / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "speaker", "emotion"], *rows])
    return folder


@pytest.fixture
def call(tmp_path, capsys):
    def call(file, *argv):
        given = "--corpus=manifest", f"--data_dir={file}", *SMALL, *argv
        folders = f"--run_dir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}"
        return launching.call(*given, *folders), *capsys.readouterr()

    return call


def dataset(tmp_path):
    return json.loads((tmp_path / "run" / "dataset.json").read_text())


def test_a_dry_run_reads_the_headers_of_npy_files(saved, call):
    frames = sum(len(np.load(file)) for file in saved.glob("s*.npy"))
    status, out, _ = call(saved / "corpus.csv", "--features=npy", "--dry_run")
    assert status == 0
    assert f"manifest: 32 utterances of 4 speakers, {frames:,} frames" in out


@pytest.mark.slow
def test_npy_files_are_trained_on_and_bad_ones_listed_or_skipped(saved, call, tmp_path):
    for file in saved.iterdir():
        (tmp_path / file.name).symlink_to(file)
    for bad in "s0_sad_1.npy", "s1_happy_0.npy":
        (tmp_path / bad).unlink()
        (tmp_path / bad).write_text("words")
    file = tmp_path / "corpus.csv"
    status, out, _ = call(file, "--features=npy", "--dry_run")
    assert status == 0
    assert "bad files   2 utterances, by the files' headers" in out

    status, _, err = call(file, "--features=npy")
    assert status == 1
    listed = [line for line in err.splitlines() if line.startswith("bad files: ")]
    assert len(listed) == 2 and "s0_sad_1" in listed[0] and "s1_happy_0" in listed[1]
    assert "error: 2 of 32 utterances have no usable files" in err

    status, _, err = call(file, "--features=npy", "--on_bad_audio=skip", "--epochs=30")
    assert status == 0, err
    assert "30 utterances with npy-6 features: 0 extracted, 30 read" in err
    assert dataset(tmp_path)["feature_set"] == "npy-6"
    assert dataset(tmp_path)["features"] == 6
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["conditions"][0]["ua"]["mean_of_folds"] > 0.7


def test_segments_of_npy_files_are_bad_files(saved, call, tmp_path):
    file = tmp_path / "corpus.csv"
    lines = (saved / "corpus.csv").read_text().splitlines()
    rows = [f"{saved}/{line},0.5" for line in lines[1:]]
    file.write_text("\n".join(["file,speaker,emotion,start", *rows]))
    status, _, err = call(file, "--features=npy")
    assert status == 1 and err.count("has no segments (start, end)") == 32


@pytest.mark.long
def test_a_set_of_opensmile_is_trained_on(call, tmp_path):
    file = launching.write_corpus(tmp_path / "toy")
    found = extract(
        manifest.read(file).utterances,
        tmp_path / "cache",
        features=registry.features.build(registry.features.parse("eGeMAPSv02")),
    )
    frames = sum(map(len, found.features.values()))
    status, out, _ = call(file, "--features=eGeMAPSv02", "--dry_run")
    assert status == 0 and f"{frames:,} frames" in out
    status, _, err = call(file, "--features=eGeMAPSv02", "--epochs=1")
    assert status == 0 and "0 extracted, 32 cached" in err
    assert dataset(tmp_path)["features"] == 25
    assert dataset(tmp_path)["feature_set"] == found.feature_set
