"""--final_model: a model of all speakers, beside the test or without one."""

import json
import signal

import launching
import numpy as np
import pytest

from launch.command_line import stopping
from launch.experiment.checkpoints import Checkpoints
from vladser.models import bundle, inference


@pytest.mark.slow
def test_without_a_test_it_learns_all_that_it_was_shown_and_says_so(
    train, corpus, tmp_path, capsys
):
    argv, run = ("--final_model", "--hold_out=none", "--epochs=30"), tmp_path / "run"
    assert train(*argv) == 0
    assert f"is in {run / 'model'}" in capsys.readouterr().out
    results = {"summary.json", "predictions.csv", "report.html"}
    assert not results & {path.name for path in run.iterdir()}
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    assert "trained without a test" in card
    model = bundle.load(run / "model")
    utterances, frames = launching.features_of(corpus)
    found = inference.classify(model, [frames[u.id] for u in utterances])
    predicted = [model.emotions[n] for n in found.probabilities.argmax(axis=1)]
    right = [a == u.emotion for a, u in zip(predicted, utterances, strict=True)]
    assert np.mean(right) > 0.9  # an emotion is a tone
    assert train(*argv) == 0
    assert "has finished" in capsys.readouterr().out


@pytest.mark.slow
def test_a_finished_run_can_be_given_a_model(train, corpus, first, tmp_path):
    run = tmp_path / "run"
    assert train() == 0
    assert not (run / "model").exists()
    curves = "predictions.csv", "metrics.jsonl"
    launching.same(run, first.run, curves)
    assert train("--final_model") == 0
    launching.same(run, first.run, [*curves, "model/README.md"])
    assert "--final_model=true" in (run / "flags.txt").read_text()


def test_the_card_gives_the_test_and_no_place_on_the_machine(corpus, first):
    (condition,) = json.loads((first.run / "summary.json").read_text())["conditions"]
    card = (first.run / "model" / "README.md").read_text(encoding="utf-8")
    low, high = condition["ua"]["interval"]
    ua = condition["ua"]["mean_of_speakers"]
    assert f"**{100 * ua:.1f} %**" in card
    assert f"{100 * low:.1f} to {100 * high:.1f})" in card
    about = bundle.load(first.run / "model").about
    assert about["evaluation"]["confusion"] == condition["confusion"]
    assert about["training"]["utterances"] == 32
    assert sum(about["training"]["emotions"].values()) == 32
    said = card + json.dumps(about)
    assert "host" not in about["environment"]
    assert not any(flag.partition("=")[2] in said for flag in corpus[1:])


@pytest.mark.slow
def test_it_is_trained_as_long_as_validation_says(train, tmp_path):
    assert train("--final_model", "--validation=partner", "--epochs=5") == 0
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    curves = {}
    for line in map(json.loads, lines):
        curves.setdefault((line["seed"], line["fold"]), []).append(line)
    best = [
        max(curve, key=lambda line: (line["validation_ua"], -line["epoch"]))["epoch"]
        for curve in curves.values()
    ]
    about = bundle.load(tmp_path / "run" / "model").about
    assert about["training"]["epochs"] == int(np.median(best))


@pytest.mark.slow
def test_interrupted_and_without_a_test_it_is_the_same(
    train, first, tmp_path, monkeypatch
):
    save, saved = Checkpoints.save, []

    def interrupted(*args):
        saved.append(save(*args))
        if len(saved) == 1:  # after the first of two epochs
            raise stopping.Stopped(signal.SIGTERM)

    monkeypatch.setattr(Checkpoints, "save", interrupted)
    alone = "--final_model", "--hold_out=none", "--checkpoint_minutes=0"
    assert train(*alone) == 143
    assert len(saved) == 1 and not (tmp_path / "run" / "model").exists()
    assert train(*alone) == 0
    assert len(saved) == 1 + 1  # it went on
    launching.same(tmp_path / "run", first.run, ["model/parameters.safetensors"])


@pytest.mark.slow
def test_a_model_that_diverges_is_not_written(train, tmp_path, capsys):
    argv = "--noise=3e38", "--final_model", "--hold_out=none"
    assert train(*argv) == 1
    assert "the final model's loss or gradient is not finite" in capsys.readouterr().err
    assert not (tmp_path / "run" / "model").exists()
