"""A run that is stopped goes on with the same command."""

import json
import shutil

import launching
import pytest
from launching import SMALL

from launch import finished
from vladser import chunks

ARGV = (*SMALL, "--trials_per_chunk=3")
RESULTS = "predictions.csv", "metrics.jsonl", "audit.json", "dataset.json", "flags.txt"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return launching.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert launching.call(*corpus, *ARGV, f"--run_dir={folder}") == 0
    return folder


@pytest.fixture
def call(corpus, tmp_path):
    folder = f"--run_dir={tmp_path / 'run'}"
    return lambda *argv: launching.call(*corpus, *ARGV, folder, *argv)


@pytest.fixture
def stopped(call, tmp_path, monkeypatch, capsys):
    """A run that was interrupted when two of its chunks had finished."""
    keep, kept = finished.keep, []

    def interrupted(*args):
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(keep(*args))

    with monkeypatch.context() as patch:
        patch.setattr(finished, "keep", interrupted)
        assert call() == 130
    capsys.readouterr()
    return tmp_path / "run"


@pytest.fixture
def trained(monkeypatch):
    """The chunks that are trained from now on."""
    run, seen = chunks.run, []

    def watched(corpus, conditions, plan, some, **options):
        seen.extend(some)
        return run(corpus, conditions, plan, some, **options)

    monkeypatch.setattr(chunks, "run", watched)
    return seen


def _summary(folder):
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["training"]
    return summary


def _same(one, other):
    for name in RESULTS:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert _summary(one) == _summary(other)


def test_what_was_finished_is_not_trained_again(stopped, whole, call, trained, capsys):
    assert call() == 0
    _same(stopped, whole)
    assert len(trained) == 2
    assert "2 of 4 chunks of trials were finished" in capsys.readouterr().err


def test_a_run_that_stopped_before_training_begins_anew(stopped, whole, call, trained):
    shutil.rmtree(stopped / "checkpoints")
    for name in ("environment.json", "dataset.json", "audit.json", "metrics.jsonl"):
        (stopped / name).unlink()
    assert call() == 0
    _same(stopped, whole)
    assert len(trained) == 4


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b[:50]])
def test_a_damaged_chunk_is_named_and_trained_again(
    stopped, whole, call, trained, capsys, damage
):
    file = min((stopped / "checkpoints").iterdir())
    file.write_bytes(damage(file.read_bytes()))
    assert call() == 0
    _same(stopped, whole)
    assert len(trained) == 3
    assert f"{file} is damaged: its trials are trained again" in capsys.readouterr().err


@pytest.mark.parametrize("place", [30, -100, 200])
def test_a_flipped_bit_is_noticed(stopped, call, trained, place):
    file = min((stopped / "checkpoints").iterdir())
    content = bytearray(file.read_bytes())
    content[place] ^= 4
    file.write_bytes(content)
    assert call() == 0
    assert len(trained) == 3


def test_other_flags_are_refused_and_named(stopped, call, capsys):
    assert call("--alpha=0.3") == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"error: --run_dir={stopped} holds an unfinished run of")
    assert "--alpha=0.2, --alpha=0.3" in last


def test_flags_that_change_no_result_may_differ(stopped, whole, call):
    assert call("--workers=1", "--trials_per_chunk=5") == 0
    for name in ("predictions.csv", "metrics.jsonl"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("environment.json", {"vladser": "0.0.1"}, "begun with vladser 0.0.1, now it"),
        ("environment.json", {"packages": {"jax": "0.1"}}, "begun with jax 0.1, now"),
        ("dataset.json", {"digest": "beef"}, "begun with digest beef, now it is"),
    ],
)
def test_other_versions_and_data_are_refused(stopped, call, capsys, name, change, said):
    file = stopped / name
    there = json.loads(file.read_text(encoding="utf-8"))
    if "packages" in change:
        change = {"packages": there["packages"] | change["packages"]}
    file.write_text(json.dumps(there | change))
    assert call() == 1
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"error: --run_dir={stopped} was {said}")


def test_a_finished_run_is_not_trained_over(whole, corpus, capsys):
    assert launching.call(*corpus, *ARGV, f"--run_dir={whole}") == 2
    assert "name a new folder" in capsys.readouterr().err
