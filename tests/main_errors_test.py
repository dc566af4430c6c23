"""How the launcher says no: one line, the right status, no traceback."""

import json
from unittest import mock

import jax
import launching
import pytest

from vladser.engine.on_devices import OnDevices


@pytest.mark.slow
def test_bad_audio_stops_after_all_of_it_is_listed(train, tmp_path, capsys):
    file = launching.write_corpus(tmp_path / "damaged")
    bad = launching.damage(file)
    assert train(f"--data_dir={file}", "--workers=1") == 1
    out, err = capsys.readouterr()
    listed = [line for line in err.splitlines() if line.startswith("bad audio: ")]
    reasons = ("is not audio", "No such file", "has 160 samples")
    for line, name, reason in zip(listed, bad, reasons, strict=True):
        assert name in line and reason in line
    assert not out and "Traceback" not in err
    assert "error: 3 of 32 utterances have no usable audio" in err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow")  # what float32 cannot hold becomes inf
@pytest.mark.parametrize("setting", ["noise=0.01,3e38", "learning_rate=1,1e39"])
@pytest.mark.fault("divergence")
def test_trainings_that_diverge_are_named_and_the_others_go_on(
    train, setting, tmp_path, capsys
):
    assert train(f"--grid={setting}", pictures=True) == 1
    out, err = capsys.readouterr()
    *_, first, last = err.splitlines()
    whole, name = "mean, unigram 0.2, cells 4", setting.partition("=")[0]
    assert first.startswith(f"failed: {whole}, {name.replace('_', ' ')} ")
    assert ", seed 1, held out s3: loss or gradient is not finite in epoch " in first
    assert last.startswith("error: 8 trainings failed, see above")
    assert "Traceback" not in err and whole in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [condition["name"] for condition in summary["conditions"]] == [whole]
    failed = {(trial["seed"], trial["fold"]) for trial in summary["failed"]}
    assert failed == {(seed, f"s{fold}") for seed in (0, 1) for fold in range(4)}
    text = (tmp_path / "run" / "predictions.csv").read_text()
    assert text.count("\n") == text.count(f'"{whole}",') + 1 == 1 + 64
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow")
def test_where_all_diverge_there_is_no_table_but_a_list(train, tmp_path, capsys):
    assert train("--noise=3e38") == 1
    err = capsys.readouterr().err
    assert "error: 8 trainings failed" in err and "Traceback" not in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["conditions"], len(summary["failed"])) == ([], 8)


@pytest.mark.parametrize("dry_run", ["--dry_run", "--dry_run=false"])
@pytest.mark.fault("memory")
def test_what_fits_no_memory_is_one_line_before_it_is_tried(train, capsys, dry_run):
    assert train("--aggregator=netvlad(clusters=1000000000)", dry_run) == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("error: netvlad(clusters=1000000000), unigram 0.2, cells 4")
    assert line.endswith(" MiB for 1 training: try aggregator=netvlad(clusters=4)")


@pytest.mark.fault("memory")
def test_what_fits_by_the_estimate_alone_is_halved_and_then_said(train, capsys):
    error = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
    with mock.patch.object(OnDevices, "train_step", side_effect=error):
        assert train("--seeds=1") == 1
    *_, first, second, line = capsys.readouterr().err.splitlines()
    assert "no memory for 4 trials" in first and "no memory for 2 trials" in second
    assert line.startswith("error: mean, unigram 0.2, cells 4: expected at most ")
    assert " MiB for 1 training: try " in line


REFUSED = {
    "--aggregator=netvlad(clusters=0)": "clusters=0",
    "--aggregator=multihead(heads=3)": "heads: expected a divisor of 4, got 3",
    "--hold_out=session": "32 utterances have no session",
}


@pytest.mark.parametrize("dry_run", ["--dry_run", "--dry_run=false"])
@pytest.mark.parametrize("flag", REFUSED)
def test_what_the_corpus_does_not_allow_is_wrong_use_before_any_work(
    train, tmp_path, capsys, flag, dry_run
):
    file = launching.write_corpus(tmp_path / "bare", ("file", "speaker", "emotion"))
    assert train(f"--data_dir={file}", flag, dry_run) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and REFUSED[flag] in err
