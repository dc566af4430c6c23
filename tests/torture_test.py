"""Experiments that are killed again and again, and disks that are full or only read."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import killing
import launching
import pytest
from fuzzing import DEPTH
from killing import PHASES, STOPPING, Attempt, Experiment

from launch.experiment import run_dir

pytestmark = pytest.mark.fault("interruptions")

DEMO = (
    "--corpus=demo",
    "--grid=aggregator=mean,netvlad(clusters=2)",
    "--cells=8",
    "--seeds=1",
    "--epochs=2",
    "--validation=partner",
    "--trials_at_once=5",
    "--checkpoint_minutes=0.002",
)
LIMIT = 60.0  # seconds from a signal to the end: 10 where nothing else runs


@pytest.fixture
def warm(undisturbed, tmp_path):
    """Another one, whose features are in the cache."""
    return Experiment(undisturbed.argv, tmp_path, undisturbed.cache)


def torture(experiment, kills, results):
    """Kills an experiment at (phase, seconds into it, signal), starts it again with the
    same command each time, and lets it end: as documented, with the same results.
    Returns how often it was killed before it ended."""
    killed = 0
    for phase, seconds, number in kills:
        before, attempt = experiment.finished(), Attempt(experiment)
        if number in STOPPING:
            killing.wait_until_it_listens(attempt.process)
        if not attempt.wait_for(phase, seconds):
            break
        begin = time.monotonic()
        attempt.process.send_signal(number)
        status = attempt.end()
        if status == 0:  # the signal came too late
            break
        said = attempt.said()
        assert time.monotonic() - begin < LIMIT
        assert "Traceback" not in said and "damaged" not in said, said
        if number in STOPPING:
            assert status == 128 + number and said.endswith("interrupted\n"), said
        else:
            assert status == -number, said
        assert before <= experiment.finished()
        killed += 1
    else:
        attempt = Attempt(experiment)
    assert attempt.end() == 0 and "damaged" not in attempt.said(), attempt.said()
    assert experiment.found() == results
    for pattern in "*.unfinished", "*.checkpoint":
        assert not [*experiment.run.rglob(pattern)]
    return killed


@pytest.mark.slow
def test_what_is_killed_again_and_again_ends_with_the_same_bytes(undisturbed, tmp_path):
    kills = [
        ("extraction", 0.1, signal.SIGKILL),
        ("training", 0.1, signal.SIGTERM),
        ("results", 0.0, signal.SIGKILL),
    ]
    assert (
        torture(Experiment(undisturbed.argv, tmp_path), kills, undisturbed.found()) == 3
    )


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, *STOPPING])
def test_at_any_moment_of_any_phase_too(tmp_path, number):
    """From the synthesis of a corpus to the report; VLADSER_DEPTH times."""
    (tmp_path / "whole").mkdir()
    experiment = Experiment(DEMO, tmp_path / "whole")
    assert Attempt(experiment).end() == 0
    draw, longest = random.Random(0), {"start": 4.0, "checkpoint": 0.005}
    for n in range(DEPTH):
        (tmp_path / str(n)).mkdir()
        # Three phases twice: no two experiments go alike.
        phases = [*PHASES, *draw.sample([*PHASES], 3)]
        kills = [
            (phase, draw.random() * longest.get(phase, 2.0), number)
            for phase in sorted(phases, key=[*PHASES].index)
        ]
        again = Experiment(DEMO, tmp_path / str(n))
        assert torture(again, kills, experiment.found())


@pytest.mark.slow
def test_where_another_process_works_it_says_so_and_disturbs_nothing(
    undisturbed, warm, capsys
):
    shutil.copytree(undisturbed.run, warm.run)
    (warm.run / "report.md").unlink()  # something is left to do
    with run_dir.locked(warm.run):
        (warm.run / ".report.md.unfinished").touch()  # the other is at it
        before = _written(warm.run)
        assert launching.call(*warm.flags, pictures=True) == 1
        assert _written(warm.run) == before
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"error: --run_dir={warm.run}: another process works in it")


def test_what_a_killed_process_had_not_finished_is_in_nobodys_way(tmp_path):
    left = tmp_path / "run" / ".flags.txt.unfinished"
    left.parent.mkdir()
    left.touch()
    with run_dir.locked(left.parent):
        assert not left.exists()


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_report_goes_on(undisturbed, warm, capsys):
    shutil.copytree(undisturbed.run, warm.run)
    (warm.run / "report.md").unlink()
    before, summary = _written(warm.run / "checkpoints"), warm.run / "summary.json"
    cost = json.loads(summary.read_text())["training"]
    status, said = launching.call(*warm.flags, pictures=True), capsys.readouterr().err
    assert status == 0 and "compiling" not in said, said
    assert json.loads(summary.read_text())["training"] == cost
    assert warm.found() == undisturbed.found() and (warm.run / "report.md").exists()
    assert before and _written(warm.run / "checkpoints") == before  # nothing trained


def _written(folder):
    """When each file was."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


# Mounts a small disk that nobody else sees, and runs the launcher once for each of its
# mount options.
DISK = """
import json, shutil, subprocess, sys
from pathlib import Path

import launching

if __name__ == "__main__":
    disk, options, flags = json.loads(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
    status = []
    for option in options:
        subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)
        status.append(launching.call(*flags, pictures=True))
    if Path(disk, "run").exists():
        shutil.copytree(Path(disk, "run"), "run")
    print(json.dumps(status))
"""


def unshared(*command, **options):
    """Runs a command where nobody else sees what it mounts."""
    command = ["unshare", "--mount", *command]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.long
@pytest.mark.parametrize(
    ("of", "options"),
    [
        ("cache", ("size=300k", "size=64m")),
        ("run", ("ro", "rw,size=8k", "rw,size=60k", "size=64m")),
    ],
)
@pytest.mark.fault("disks")
def test_a_full_disk_is_one_line_and_with_more_room_it_goes_on(
    undisturbed, warm, tmp_path, of, options
):
    mount = "mount -t tmpfs tmpfs /mnt"
    if not shutil.which("unshare") or unshared("sh", "-c", mount).returncode:
        pytest.skip("may not mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "on_disk.py").write_text(DISK)
    flags = *warm.flags, f"--{of}_dir={disk}/{of}"
    done = unshared(
        *(sys.executable, "on_disk.py", json.dumps((str(disk), options, flags))),
        cwd=tmp_path,
        env=launching.environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    *failed, last = json.loads(done.stdout.splitlines()[-1])
    assert (failed, last) == ([1] * len(failed), 0)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for error, option in zip(errors, options[:-1], strict=True):
        read_only = "Read-only file system"
        reason = read_only if option == "ro" else "No space left on device"
        assert str(disk) in error and error.endswith(reason)
    assert warm.found() == undisturbed.found()
