"""Run directories that are locked, or on disks without locks."""

import errno
import fcntl
import os
from contextlib import ExitStack

import pytest

from launch.experiment import run_dir
from vladser.errors import InputError

pytestmark = [
    pytest.mark.fault("run directories"),
    pytest.mark.filterwarnings("error"),
]
HELD, OTHERS = "held", "4242\nanother-machine\n"
WAIT = ": another process works in it and holds {file}: wait, or name another folder"
DELETE = WAIT + ", or delete {file} if that process has ended"
NO_LOCKS = ": {file} cannot be locked: {reason}: name a folder on another disk"


@pytest.mark.parametrize(
    ("number", "left", "said"),
    [
        (None, None, ""),
        (None, HELD, WAIT),
        (None, OTHERS, ""),  # the system's locks count alone
        (errno.ENOSYS, None, ""),  # the file is the lock
        (errno.ENOSYS, HELD, DELETE),
        (errno.ENOSYS, OTHERS, DELETE),
        (errno.ENOSYS, "", DELETE),
        (errno.ENOLCK, None, NO_LOCKS),
        (errno.EOPNOTSUPP, None, NO_LOCKS),
        (errno.EROFS, None, " cannot be written: {reason}"),
    ],
)
def test_who_holds_a_lock_or_that_there_are_none_is_said(
    tmp_path, monkeypatch, number, left, said
):
    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    if number:
        monkeypatch.setattr(fcntl, "flock", flock)
    file = tmp_path / ".lock"
    with ExitStack() as stack:
        if left == HELD:
            stack.enter_context(run_dir.locked(tmp_path))
        elif left is not None:
            file.write_text(left)
        if said:
            expected = said.format(file=file, reason=number and os.strerror(number))
            caught = stack.enter_context(pytest.raises(InputError))
        with run_dir.locked(tmp_path):
            pass
    if said:
        assert str(caught.value) == f"--run_dir={tmp_path}{expected}"
