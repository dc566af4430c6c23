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


@pytest.fixture
def saved(tmp_path):
    """A toy corpus whose features are .npy files, [T, 6]: noise around the class."""
    draw = np.random.default_rng(0)
    rows = [["file", "speaker", "emotion"]]
    for speaker in range(4):
        for label, emotion in enumerate(launching.EMOTIONS):
            for take in range(2):
                rows.append([f"s{speaker}_{label}_{take}.npy", f"s{speaker}", emotion])
                values = draw.normal(size=(draw.integers(5, 30), 6))
                values[:, label] += 2
                np.save(tmp_path / rows[-1][0], values.astype(np.float16))
    with (tmp_path / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path / "corpus.csv"


@pytest.fixture
def call(tmp_path, capsys):
    def call(file, *argv):
        given = "--corpus=manifest", f"--data_dir={file}", *SMALL, *argv
        folders = f"--run_dir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}"
        return launching.call(*given, *folders), *capsys.readouterr()

    return call


def dataset(tmp_path):
    said = json.loads((tmp_path / "run" / "dataset.json").read_text())
    return said["feature_set"], said["features"]


@pytest.mark.slow
def test_npy_files_are_trained_on_and_bad_ones_listed_or_skipped(saved, call, tmp_path):
    bad = "s0_1_1.npy", "s1_2_0.npy"
    for name in bad:
        (tmp_path / name).write_text("words")
    frames = sum(len(np.load(f)) for f in tmp_path.glob("*.npy") if f.name not in bad)
    status, out, _ = call(saved, "--features=npy", "--dry_run")
    assert status == 0
    assert f"manifest: 30 utterances of 4 speakers, {frames:,} frames" in out
    assert "bad files   2 utterances, by the files' headers" in out

    status, _, err = call(saved, "--features=npy")
    assert status == 1
    listed = [line for line in err.splitlines() if line.startswith("bad files: ")]
    assert len(listed) == 2 and all(map(str.__contains__, listed, bad))
    assert "error: 2 of 32 utterances have no usable files" in err

    how = "--features=npy", "--on_bad_audio=skip", "--epochs=30"
    status, _, err = call(saved, *how)
    assert status == 0, err
    assert "30 utterances with npy-6 features: 0 extracted, 30 read" in err
    assert dataset(tmp_path) == ("npy-6", 6)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["conditions"][0]["ua"]["mean_of_folds"] > 0.7


def test_segments_of_npy_files_are_bad_files(saved, call):
    lines = saved.read_text().splitlines()
    rows = [f"{line},0.5" for line in lines[1:]]
    saved.write_text("\n".join(["file,speaker,emotion,start", *rows]))
    status, _, err = call(saved, "--features=npy")
    assert status == 1 and err.count("has no segments (start, end)") == 32


@pytest.mark.long
def test_a_set_of_opensmile_is_trained_on(call, tmp_path):
    file = launching.write_corpus(tmp_path / "toy")
    features = registry.features.build(registry.features.parse("eGeMAPSv02"))
    utterances = manifest.read(file).utterances
    found = extract(utterances, tmp_path / "cache", features=features)
    frames = sum(map(len, found.features.values()))
    status, out, _ = call(file, "--features=eGeMAPSv02", "--dry_run")
    assert status == 0 and f"{frames:,} frames" in out
    status, _, err = call(file, "--features=eGeMAPSv02", "--epochs=1")
    assert status == 0 and "0 extracted, 32 cached" in err
    assert dataset(tmp_path) == (found.feature_set, 25)
