"""Systems that look at pieces of utterances, from flags to predictions of files."""

import csv
import json
from itertools import product
from pathlib import Path
from unittest import mock

import launching
import numpy as np
import pytest
import soundfile
import streams
from forkserver import quick_workers  # noqa: F401 (a fixture)

import launch.export
from launch import main, predict
from launch.command_line import backend, cli
from launch.experiment import loading
from vladser import registry
from vladser.corpora import readers
from vladser.features import extraction
from vladser.models import bundle, inference

pytestmark = pytest.mark.slow

# Like that of Han et al. 2014, but small.
SYSTEM = (
    "--features=han30",
    "--pieces=loudest(frames=10,share=0.2)",
    "--encoder=none",
    "--aggregator=stack(frames=10)",
    "--smoothing=none",
    "--readout=elm(hidden=8,ridge=0.1)",
    "--epochs=2",
    "--seeds=1",
)


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces") / "run"
    status = launching.call(*corpus, *SYSTEM, f"--run_dir={folder}", "--final_model")
    assert status == 0
    return folder


def _predictions(text):
    return list(csv.DictReader(text.splitlines()))


def test_each_utterance_is_tested_once_and_the_audit_saw_the_readout(run):
    rows = _predictions((run / "predictions.csv").read_text())
    takes = product(range(4), launching.EMOTIONS, range(2))
    names = {f"s{speaker}_{emotion}_{take}.wav" for speaker, emotion, take in takes}
    assert len(rows) == 32 and {row["utterance"] for row in rows} == names
    for row in rows:
        shares = {e: float(row[f"p_{e}"]) for e in launching.EMOTIONS}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert row["predicted"] == max(shares, key=shares.get)
    findings = json.loads((run / "audit.json").read_text())["findings"]
    levels = {finding["check"]: finding["level"] for finding in findings}
    assert levels["training_rows"] == levels["readout_rows"] == "ok"
    assert levels["given_rows"] == "ok"


def test_files_are_predicted_as_the_library_classifies_their_frames(
    run, corpus, capsys
):
    file, cache = (Path(flag.partition("=")[2]) for flag in corpus[1:])
    utterances = readers.read("manifest", file).utterances[::5]
    argv = f"--model={run / 'model'}", f"--cache_dir={cache}", "--format=csv"
    with mock.patch.object(backend, "prepare"):  # conftest.py has done it
        words = [str(utterance.file) for utterance in utterances]
        status = cli.run(predict.main, predict.Settings, "", [*argv, *words])
    assert status == 0
    rows = _predictions(capsys.readouterr().out)
    # By hand: the columns and the energy of the whole set.
    features = registry.features.build(registry.features.parse("han30"))
    whole = extraction.extract(utterances, cache).features.values()
    frames = [np.array(one[:, features.selected[1]]) for one in whole]
    energy = [one[:, 8] ** 2 for one in whole]
    model = bundle.load(run / "model")
    assert model.fitted["inner"].shape == (16, 8)
    expected = inference.classify(model, frames, energy).probabilities
    for row, odds in zip(rows, expected, strict=True):
        found = [float(row[f"p_{emotion}"]) for emotion in launching.EMOTIONS]
        np.testing.assert_allclose(found, odds, atol=1e-3)
    # Others than of the loudest.
    others = inference.classify(model, frames, [1 / (1e-9 + e) for e in energy])
    assert abs(others.probabilities - expected).max() > 1e-3


@pytest.mark.fault("exports")
@pytest.mark.fault("streams")
def test_such_a_model_is_neither_streamed_nor_exported(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    model = f"--model={run / 'model'}"
    assert streams.call(model) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "loudest(frames=10,share=0.2)" in said
    argv = model, "--to=stablehlo"
    assert cli.run(launch.export.main, launch.export.Settings, "", argv) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: loudest(frames=10,share=0.2) is no part of the")
    assert said.count("\n") == 1 and not [*tmp_path.iterdir()]


@pytest.mark.fault("flags")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--features=eGeMAPSv02", "--pieces=loudest"], "need the energy of frames"),
        (["--features=npy", "--pieces=windows(silence=9)"], "need the energy of"),
        (["--pieces=loudest(share=2)"], "share: expected a number from 0 to 1, got 2"),
        (["--readout=elm(hidden=1000000000)"], "hidden: expected at most 10,000"),
        (["--readout=elm(cost=1)"], "readout elm has no option 'cost'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(
    corpus, tmp_path, monkeypatch, capsys, flags, said
):
    monkeypatch.delattr(loading, "read")
    status = launching.call(*corpus, *flags, f"--run_dir={tmp_path / 'run'}")
    err = capsys.readouterr().err
    assert status == 2 and said in err and err.count("\n") == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.fault("audio")
@pytest.mark.usefixtures("quick_workers")
def test_energy_stays_beside_its_frames_where_other_features_lose_files(
    tmp_path, monkeypatch
):
    """Files that are long enough for some features, and too short for others."""
    file, asked = launching.write_corpus(tmp_path / "toy"), []
    for name in "s0_angry_0.wav", "s2_sad_1.wav":
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, 800)
        soundfile.write(file.parent / name, noise, 16000)
    extract = extraction.extract

    def watched(*args, **options):
        asked.append(options["with_energy"])
        return extract(*args, **options)

    monkeypatch.setattr(extraction, "extract", watched)
    argv = (
        "--corpus=manifest",
        f"--data_dir={file}",
        f"--cache_dir={tmp_path / 'cache'}",
        f"--run_dir={tmp_path / 'run'}",
        "--on_bad_audio=skip",
        "--grid=features=logmel(bands=3); pieces=whole,loudest",
        "--grid=features=vladser147; pieces=whole,first",
    )
    loaded = loading.load(cli.parse(main.Settings, argv), None)
    logmel, whole = loaded.datasets.values()
    assert asked == [True, False] and whole.energy is None
    assert len(loaded.bad) == 2 and len(logmel.utterances) == 30
    assert logmel.utterances == whole.utterances
    for start, length in zip(logmel.offset, logmel.length, strict=True):
        inside = slice(start, start + length)
        frames = logmel.frames[inside].astype(float)
        expected = np.exp(frames).sum(axis=1)
        np.testing.assert_allclose(logmel.energy[inside], expected, rtol=1e-5)
    assert len(logmel.energy) == logmel.length.sum()
