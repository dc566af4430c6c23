"""The launcher from audio files to the run directory."""

import csv
import json
import platform
import re
from collections import Counter

import launching
import numpy as np
import pytest
import soundfile
from launching import EMOTIONS

from launch.experiment import run_dir

FILES = {*run_dir.RESULTS} - {"clusters.jsonl"}
FILES |= {".lock", "SHA256SUMS", "checkpoints", "model", "report.html", "report.md"}


def _summary(folder):
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def _predictions(folder):
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _metrics(folder):
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_leaves_its_files_and_says_little(first):
    assert {path.name for path in first.run.iterdir()} == FILES
    assert first.out.startswith("mean, unigram 0.2, cells 4, 2 seeds\n")
    assert f"\nresults are in {first.run}, report.html shows them\n" in first.out
    assert f"is in {first.run / 'model'};" in first.out.splitlines()[-1]
    extracted, *warnings, compiling, trained = first.err.splitlines()
    assert all(line.startswith("warning: ") for line in warnings)
    assert extracted.endswith("features: 32 extracted, 0 cached")
    assert extracted.startswith("32 utterances") and compiling.startswith("compiling")
    assert re.fullmatch(
        r"trained in .* s; the first step .* s after the start", trained
    )


def test_predictions_have_a_row_a_seed_and_test_utterance(first):
    rows = _predictions(first.run)
    takes = {f"s{s}_{e}_{t}.wav" for s in range(4) for e in EMOTIONS for t in range(2)}
    assert len(rows) == 64
    assert {(row["seed"], row["utterance"]) for row in rows} == {
        (seed, take) for seed in "01" for take in takes
    }
    for row in rows:
        assert row["utterance"].startswith(f"{row['fold']}_{row['emotion']}_")
        assert row["fold"] == row["speaker"]
        shares = {emotion: float(row[f"p_{emotion}"]) for emotion in EMOTIONS}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert row["predicted"] == max(shares, key=shares.get)


def test_metrics_have_a_line_a_condition_seed_fold_and_epoch(first):
    lines = _metrics(first.run)
    keys = Counter((x["condition"], x["seed"], x["fold"], x["epoch"]) for x in lines)
    assert keys == Counter(
        ("mean, unigram 0.2, cells 4", seed, f"s{fold}", epoch)
        for seed in (0, 1)
        for fold in range(4)
        for epoch in (1, 2)
    )
    assert all(0 < line["loss"] < 3 and len(line) == 5 for line in lines)


def test_summary_and_audit_have_the_documented_form(first):
    summary = _summary(first.run)
    (condition,) = summary["conditions"]
    keys = {
        "format corpus test_corpus emotions conditions comparisons skipped failed "
        "training": summary,
        "name aggregator smoothing alpha features pieces encoder cells head noise "
        "dropout optimizer learning_rate rho objective class_weights focal "
        "logit_adjustment epochs batch_size precision kernel readout seeds ua wa "
        "metrics confusion folds speakers": condition,
        "mean_of_folds mean_of_speakers std_over_seeds pooled interval": (
            condition["ua"]
        ),
        "mean_of_folds pooled": condition["wa"],
        "held_out utterances ua": condition["folds"][0],
        "real_frames_per_second padding_efficiency start_seconds compile_seconds "
        "train_seconds checkpoint_seconds machines": summary["training"],
    }
    assert [*keys] == [" ".join(value) for value in keys.values()]
    assert (summary["format"], summary["corpus"]) == (1, "manifest")
    assert summary["emotions"] == list(EMOTIONS)
    assert summary["skipped"] == summary["failed"] == []
    assert np.sum(condition["confusion"], axis=1).tolist() == [8] * 4
    audit = json.loads((first.run / "audit.json").read_text(encoding="utf-8"))
    assert (audit["format"], [*audit]) == (1, ["format", "findings"])
    keys = {"check", "level", "count", "text"}
    assert all(finding.keys() == keys for finding in audit["findings"])


def test_figures_of_training_are_of_real_frames(corpus, first):
    figures = _summary(first.run)["training"]
    utterances, frames = launching.features_of(corpus)
    real = computed = 0
    for held_out in {u.speaker for u in utterances}:
        # One minibatch an epoch: 24 utterances, the longest first, in slices of 8.
        train = [len(frames[u.id]) for u in utterances if u.speaker != held_out]
        train.sort(reverse=True)
        real += sum(train)
        computed += sum(8 * 16 * -(-longest // 16) for longest in train[::8])
    assert figures["padding_efficiency"] == pytest.approx(real / computed, abs=1e-4)
    assert figures.pop("checkpoint_seconds") == 0  # it took no five minutes
    (machine,) = figures.pop("machines")
    assert machine["trainings"] == 8 and machine["host"] == platform.node()
    assert machine["devices"] == ["cpu: cpu"] * 2
    assert min(figures.values()) > 0


def test_the_dataset_is_counted_by_speaker_and_emotion(first):
    data = json.loads((first.run / "dataset.json").read_text(encoding="utf-8"))
    assert data["speakers"] == {f"s{s}": dict.fromkeys(EMOTIONS, 2) for s in range(4)}
    assert (data["utterances"], data["features"]) == (32, 147)
    assert data["feature_set"].startswith("vladser147-") and len(data["digest"]) == 64


@pytest.mark.slow
def test_a_rerun_from_flags_txt_is_the_same_to_the_bit_and_reads_no_audio(
    first, tmp_path
):
    packages, folder = ("opensmile", "soundfile", "audresample"), tmp_path / "run"
    blind = launching.without(tmp_path / "lib", *packages)
    argv = f"--flagfile={first.run / 'flags.txt'}", f"--run_dir={folder}"
    done = launching.program(*argv, **blind)
    assert done.returncode == 0, done.stderr
    assert "0 extracted, 32 cached" in done.stderr
    assert {path.name for path in folder.iterdir()} == FILES
    unlike = {"environment.json", "confusion.png"}
    launching.same(folder, first.run, FILES & {*run_dir.RESULTS} - unlike)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hold_out", "tested"),
    [("session", {"t0": "s0 s1", "t1": "s2 s3"}), ("split", {"test": "s3"})],
)
def test_sessions_and_splits_are_held_out(train, tmp_path, capsys, hold_out, tested):
    assert train(f"--hold_out={hold_out}", "--seeds=1") == 0
    rows = {(row["fold"], row["speaker"]) for row in _predictions(tmp_path / "run")}
    assert rows == {(fold, s) for fold, names in tested.items() for s in names.split()}
    (condition,) = _summary(tmp_path / "run")["conditions"]
    assert condition["ua"]["std_over_seeds"] is None
    # Those that validate.
    left_out = "note: 8 utterances neither trained on, validated on nor tested"
    assert (left_out in capsys.readouterr().err) == (hold_out == "split")


@pytest.mark.slow
def test_one_corpus_is_trained_on_and_another_tested(train, tmp_path):
    other = launching.write_corpus(tmp_path / "other")
    for wav in other.parent.glob("s0_*.wav"):  # not the same recordings
        audio, rate = soundfile.read(wav)
        soundfile.write(wav, -0.5 * audio, rate)
    assert train("--test_corpus=manifest", f"--test_data_dir={other}", "--seeds=1") == 0
    rows = _predictions(tmp_path / "run")
    speakers = [f"manifest-test:s{s}" for s in range(4)]
    assert Counter(row["speaker"] for row in rows) == dict.fromkeys(speakers, 8)
    assert {row["fold"] for row in rows} == {"test"}
    summary = _summary(tmp_path / "run")
    (condition,) = summary["conditions"]
    assert (summary["corpus"], summary["test_corpus"]) == ("manifest", "manifest")
    right = [row["speaker"] for row in rows if row["emotion"] == row["predicted"]]
    # Two takes of each emotion: a speaker's UA is the share that is right.
    ua = {of["speaker"]: of["ua"] for of in condition["speakers"]}
    assert ua == {speaker: right.count(speaker) / 8 for speaker in speakers}
    low, high = condition["ua"]["interval"]
    assert low <= np.mean([*ua.values()]) <= high


@pytest.mark.slow
def test_bad_audio_is_skipped_and_named_on_demand(train, tmp_path):
    file = launching.write_corpus(tmp_path / "damaged")
    bad = launching.damage(file)
    assert train(f"--data_dir={file}", "--on_bad_audio=skip") == 0
    skipped = _summary(tmp_path / "run")["skipped"]
    assert tuple(line["utterance"] for line in skipped) == bad
    assert "160 samples" in skipped[2]["reason"]
    tested = {row["utterance"] for row in _predictions(tmp_path / "run")}
    assert len(tested) == 29 and not tested & set(bad)
