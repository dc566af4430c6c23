"""The torture in short, and disks that are full or only read."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import launching
import pytest
from killing import Attempt, Experiment
from torture import Torture, undisturbed

from launch import run_dir
from vladser.errors import InputError

SMALL = (
    "--aggregator=netvlad(clusters=2)",
    "--grid=alpha=0.1,0.2",  # two conditions, one program
    "--cells=4",
    "--epochs=2",
    "--seeds=1",
    "--trials_per_chunk=4",
    "--checkpoint_minutes=0",
)


@pytest.fixture(scope="module")
def argv(tmp_path_factory):
    file = launching.write_corpus(tmp_path_factory.mktemp("corpus") / "toy")
    return "--corpus=manifest", f"--data_dir={file}", *SMALL


@pytest.fixture(scope="module")
def whole(argv, tmp_path_factory):
    """An experiment that nothing disturbed, what it found, and its phases' seconds."""
    experiment = Experiment(argv, tmp_path_factory.mktemp("whole"))
    return experiment, *undisturbed(experiment)


@pytest.fixture
def warm(whole, tmp_path):
    """Another one, whose features and programs are in the cache."""
    return Experiment(whole[0].argv, tmp_path, whole[0].cache)


def torture(experiment, whole, number, *phases):
    _, found, lasts = whole
    done = Torture(number, random.Random(0), lasts)
    done.run(experiment, phases, found)
    assert not done.faults
    assert done.hit and done.ends == 1


def test_what_is_killed_again_and_again_ends_with_the_same_bytes(whole, tmp_path):
    phases = "extraction", "compilation", "training", "checkpoint", "results"
    experiment = Experiment(whole[0].argv, tmp_path)
    torture(experiment, whole, signal.SIGKILL, *phases)


def test_what_is_told_to_stop_saves_and_ends_with_the_same_bytes(whole, warm):
    torture(warm, whole, signal.SIGTERM, "training", "checkpoint")


def test_a_second_signal_ends_it_at_once(argv, tmp_path):
    attempt = Attempt(Experiment(argv, tmp_path))
    assert attempt.wait_for("compilation")
    for _ in range(2):
        attempt.process.terminate()
        time.sleep(0.1)
    # A shell calls both 143; the second is Python's own, for one that is about to end.
    assert attempt.end(timeout=5) in (128 + signal.SIGTERM, -signal.SIGTERM)


def test_of_two_processes_one_runs_and_the_other_says_so(whole, warm):
    both = [launching.start(*warm.flags) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    (first, _), (status, said) = sorted(
        (process.returncode, error) for process, error in zip(both, errors, strict=True)
    )
    *_, last = said.splitlines()
    busy = status == 1 and f"--run_dir={warm.run}: another process works in it" in last
    late = status == 2 and f"--run_dir={warm.run} is not empty" in last  # it has ended
    assert first == 0 and last.startswith("error: ") and (busy or late)
    assert "Traceback" not in said
    assert warm.found() == whole[1]


def test_what_a_killed_process_had_not_finished_is_in_nobodys_way(tmp_path):
    left = tmp_path / "run" / ".flags.txt.unfinished"
    left.parent.mkdir()
    left.touch()
    run_dir.check(left.parent)
    with run_dir.locked(left.parent):
        assert not left.exists()


def test_a_run_that_was_killed_before_its_report_goes_on(whole, tmp_path):
    experiment, found, _ = whole
    copy = Experiment(experiment.argv, tmp_path)
    shutil.copytree(experiment.run, copy.run)
    (copy.run / "report.md").unlink()
    before = _written(copy)
    done = launching.program(*experiment.flags, f"--run_dir={copy.run}")
    assert done.returncode == 0, done.stderr
    assert copy.found() == found and (copy.run / "report.md").exists()
    assert before and _written(copy) == before  # nothing was trained again


def _written(experiment):
    """When each chunk was."""
    kept = (experiment.run / "checkpoints").iterdir()
    return {path.name: path.stat().st_mtime_ns for path in kept}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_line_for_which_there_is_no_room_is_one_error():
    with pytest.raises(InputError, match="/dev/full cannot be written: No space left"):
        run_dir.append_lines(Path("/dev/full"), ["line\n"])


# A disk of its own that only this process and its children see.
DISK = """
disk=$1; out=$2; shift 2
mount -t tmpfs tmpfs "$disk" || exit 77
while [ "$1" != -- ]; do options="$options $1"; shift; done
shift
for option in $options; do
  mount -o "remount,$option" "$disk"
  "$@" >&2
  echo "$? $option"
done
cp -r "$disk/." "$out"
"""


def on_a_disk(tmp_path, options, flags):
    """Runs the launcher once for each of the mount options of a small disk, which is
    tmp_path/disk; returns the statuses, and what it said."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "launch.main", *flags]
    places = tmp_path / "disk", tmp_path / "out"
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            DISK,
            "sh",
            *places,
            *options,
            "--",
            *command,
        ],
        cwd=launching.ROOT,
        env=launching.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [int(line.split()[0]) for line in done.stdout.splitlines()], done.stderr


def may_mount():
    if not shutil.which("unshare"):
        return False
    mount = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(mount, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="may not mount")
@pytest.mark.parametrize(
    ("place", "options"),
    [
        ("cache", ("size=300k", "size=64m")),
        ("run", ("ro", "rw,size=8k", "rw,size=60k", "size=64m")),
    ],
)
def test_a_full_disk_is_one_line_and_with_more_room_it_goes_on(
    whole, tmp_path, place, options
):
    experiment, found, _ = whole
    flags = *experiment.flags, f"--{place}_dir={tmp_path / 'disk' / place}"
    if place == "cache":
        flags = *flags, f"--run_dir={tmp_path / 'out' / 'run'}"
    status, said = on_a_disk(tmp_path, options, flags)
    assert status == [1] * (len(options) - 1) + [0], said
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    reasons = ("No space left on device", "Read-only file system")
    assert len(errors) == len(options) - 1
    assert all(str(tmp_path / "disk") in e and e.endswith(reasons) for e in errors)
    assert Experiment(experiment.argv, tmp_path / "out").found() == found
