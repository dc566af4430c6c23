"""A run that is stopped goes on with the same command."""

import io
import json
import signal
from contextlib import contextmanager
from functools import partial
from itertools import count
from unittest import mock

import jax
import launching
import numpy as np
import pytest
from launching import SMALL
from tqdm import tqdm

from launch.command_line import stopping
from launch.experiment.checkpoints import Checkpoints
from launch.output import terminal
from vladser.engine import experiment
from vladser.engine.on_devices import OnDevices

pytestmark = [pytest.mark.slow, pytest.mark.fault("run directories")]

THREE = "--trials_at_once=3"
CURVES = "predictions.csv", "metrics.jsonl"
RESULTS = *CURVES, "audit.json", "dataset.json", "flags.txt", "summary.json"


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    argv = *corpus, *SMALL, THREE, f"--run_dir={folder}"
    assert launching.call(*argv, pictures=True) == 0
    return folder


@pytest.fixture
def train(train):
    return partial(train, THREE)


@pytest.fixture
def last_line(capsys):
    """The last line on standard error."""
    return lambda: capsys.readouterr().err.splitlines()[-1]


@pytest.fixture
def stopped(train, tmp_path, monkeypatch, capsys):
    """A run that was interrupted when two of its batches had finished."""
    keep, kept = Checkpoints.keep, []

    def interrupted(*args):
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(keep(*args))

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "keep", interrupted)
        assert train() == 130
    capsys.readouterr()
    return tmp_path / "run"


@pytest.fixture
def trained(monkeypatch):
    """The batches that are trained from now on, and the epochs they go on from."""
    run, seen = experiment.run, []

    def watched(design, batch, *, resume, **options):
        seen.append((batch, resume and resume.epoch))
        return run(design, batch, resume=resume, **options)

    monkeypatch.setattr(experiment, "run", watched)
    return seen


@pytest.fixture
def bars(monkeypatch):
    """The progress bars, as a terminal has them."""
    shown = []

    def bar(description, total, unit, scale=False):
        shown.append(tqdm(total=total, file=io.StringIO()))
        return shown[-1]

    monkeypatch.setattr(terminal, "bar", bar)
    return shown


def test_other_flags_are_refused_and_named(stopped, train, last_line):
    assert train("--alpha=0.3") == 2
    line = last_line()
    assert line.startswith(f"error: --run_dir={stopped} holds a run of other flags")
    assert "--alpha=0.3" in line


@pytest.mark.parametrize(("most", "again"), [(1, 4), (3, 2), (8, 1)])
def test_what_was_finished_is_not_trained_again_however_the_rest_is_cut(
    stopped, whole, train, trained, capsys, most, again
):
    assert train(f"--trials_at_once={most}") == 0
    assert "4 of 8 trainings were finished" in capsys.readouterr().err
    assert sum(batch.trials for batch, _ in trained) == 4 and len(trained) == again
    launching.same(stopped, whole, RESULTS if most == 3 else CURVES)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("environment", {"devices": ["gpu: x"]}, "begun with devices ['gpu: x'], now"),
        ("dataset", {"digest": "beef"}, "begun with digest 'beef', now it is"),
    ],
)
def test_other_versions_and_data_are_refused(
    stopped, train, last_line, name, change, said
):
    file = stopped / f"{name}.json"
    before = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(before | change))
    assert train() == 1
    line = last_line()
    assert line.startswith(f"error: --run_dir={stopped} was ") and said in line


def test_what_a_cluster_began_goes_on_without_it(stopped, train, whole):
    file = stopped / "environment.json"
    before = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(before | {"devices": []}))
    assert train() == 0
    launching.same(stopped, whole, CURVES)


@contextmanager
def _told_to_stop():
    """By SIGTERM, before the first epoch ends."""
    with (
        mock.patch.object(stopping._State, "asked", signal.SIGTERM),
        mock.patch.object(stopping, "asked", lambda: True),
    ):
        yield


def test_a_batch_goes_on_from_the_epoch_where_it_was_stopped(
    train, whole, tmp_path, trained, last_line, bars
):
    for _ in range(2):
        with _told_to_stop():
            assert train() == 128 + signal.SIGTERM
        assert last_line() == "interrupted"
    assert train() == 0
    launching.same(tmp_path / "run", whole, RESULTS)
    assert [epoch for _, epoch in trained[:3]] == [None, 1, 2]
    assert bars[-1].n == bars[-1].total  # what was done before is done
    assert not list((tmp_path / "run" / "checkpoints").glob("*.checkpoint"))


@pytest.mark.parametrize("fails", [1, 3])  # as it is compiled, in the second epoch
@pytest.mark.fault("memory")
def test_less_memory_halves_the_batch_and_goes_on(
    train, whole, tmp_path, monkeypatch, capsys, bars, fails
):
    """The fails-th step of all 8 trials finds no memory."""
    step, steps = OnDevices._train_step, count(1)

    def scarce(self, *arguments):
        if np.prod(self.shape) > 4 and next(steps) >= fails:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return step(self, *arguments)

    monkeypatch.setattr(OnDevices, "_train_step", scarce)
    assert train("--trials_at_once=8", "--checkpoint_minutes=0") == 0
    launching.same(tmp_path / "run", whole, CURVES)
    assert bars[-1].n == bars[-1].total  # what is done twice counts once
    said = "the device has no memory for 8 trials at once: going on with half as many"
    assert said in capsys.readouterr().err


def test_a_fresh_run_sets_aside_what_is_there_and_deletes_nothing(
    stopped, train, tmp_path, capsys
):
    before = {file.name for file in stopped.iterdir()}
    assert train("--alpha=0.3", "--fresh", "--epochs=1", "--seeds=1") == 0
    aside = tmp_path / "run.1"
    assert f"the run that was there is in {aside} now" in capsys.readouterr().err
    assert {file.name for file in aside.iterdir()} == before
    assert train("--fresh", "--epochs=1", "--seeds=1") == 0  # what was finished, too
    assert (tmp_path / "run.2" / "summary.json").exists()
    assert "--fresh" not in (stopped / "flags.txt").read_text()


@pytest.mark.parametrize("argv", [[], ["--fresh"]])
def test_a_folder_of_other_files_is_refused(train, tmp_path, last_line, argv):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    assert train(*argv) == 2
    assert "run is not empty (thesis.tex)" in last_line()
    assert (tmp_path / "run" / "thesis.tex").exists()


def test_a_finished_run_is_said_to_be(whole, corpus, trained, capsys):
    before = {file.name: file.stat().st_mtime_ns for file in whole.iterdir()}
    assert launching.call(*corpus, *SMALL, THREE, f"--run_dir={whole}") == 0
    assert "has finished: --fresh trains it anew" in capsys.readouterr().out
    assert {f.name: f.stat().st_mtime_ns for f in whole.iterdir()} == before
    assert not trained
