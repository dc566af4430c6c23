"""Run directories that are locked, or on disks without locks."""

import errno
import fcntl
import os
import subprocess
import sys

import launching
import pytest

from launch.experiment import run_dir
from vladser.errors import InputError

pytestmark = pytest.mark.fault("run directories")

HOLDS = """
import sys
from pathlib import Path
import lock_test
from launch.experiment import run_dir
if sys.argv[2]:
    lock_test.fcntl.flock = lock_test.refuse(int(sys.argv[2]))
with run_dir.locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""
OTHERS = "4242\nanother-machine\n"


def refuse(number):
    """Returns a flock of a disk that has none."""

    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    return flock


def refusal(folder):
    with pytest.raises(InputError) as caught, run_dir.locked(folder):
        pass
    return str(caught.value)


@pytest.mark.parametrize("number", ["", f"{errno.ENOSYS}"])
@pytest.mark.filterwarnings("error")
def test_a_living_process_holds_it_and_one_that_was_killed_does_not(
    tmp_path, monkeypatch, number
):
    if number:
        monkeypatch.setattr(fcntl, "flock", refuse(int(number)))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path), number],
        env=launching.environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"locked\n"
    assert refusal(tmp_path).startswith(
        f"--run_dir={tmp_path}: another process works in it and holds "
        f"{tmp_path / '.lock'}: wait, or name another folder"
    )
    holder.kill()
    holder.communicate()
    with run_dir.locked(tmp_path):
        pass


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("number", "left", "said"),
    [
        (errno.ENOSYS, None, ""),
        (errno.ENOSYS, OTHERS, "or delete {file} if that process has ended"),
        (errno.ENOSYS, "", "or delete {file} if that process has ended"),
        (errno.ENOLCK, None, "{file} cannot be locked: {reason}: name a folder on an"),
        (errno.EOPNOTSUPP, None, "{file} cannot be locked: {reason}: name a folder"),
        (errno.EROFS, None, " cannot be written: {reason}"),
        (None, OTHERS, ""),  # the system's locks count alone
    ],
)
def test_a_disk_without_locks_is_used_or_named(
    tmp_path, monkeypatch, number, left, said
):
    file = tmp_path / ".lock"
    if left is not None:
        file.write_text(left)
    if number is not None:
        monkeypatch.setattr(fcntl, "flock", refuse(number))
    if not said:
        with run_dir.locked(tmp_path):
            pass
        return
    line = refusal(tmp_path)
    assert said.format(file=file, reason=os.strerror(number)) in line, line
    assert line.startswith(f"--run_dir={tmp_path}") and "\n" not in line
