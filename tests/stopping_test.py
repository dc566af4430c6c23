"""Signals, as a process of its own gets them."""

import signal
import subprocess
import sys

import launching
import pytest

LOST = """
import gc, signal, sys, time
from launch import stopping

def collected(phase, info):
    if not came:
        came.append(phase)
        signal.raise_signal(int(sys.argv[1]))

came = []
stopping.listen()
gc.callbacks.append(collected)
try:
    gc.collect()
    time.sleep(60)
except stopping.Stopped as stopped:
    sys.exit(stopped.status)
"""

LATE = """
import os, sys
from launch import stopping

class Late:
    def __del__(self, kill=os.kill, me=os.getpid(), number=int(sys.argv[1])):
        kill(me, number)

stopping.listen()
late = Late()
late.itself = late
"""


def _run(code, number):
    return subprocess.run(
        [sys.executable, "-c", code, str(int(number))],
        cwd=launching.ROOT,
        capture_output=True,
        text=True,
        timeout=8,  # before the patience ends
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_garbage_collection_is_not_lost(number):
    done = _run(LOST, number)
    assert (done.returncode, done.stderr) == (128 + number, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_when_the_interpreter_ends_does_no_harm(number):
    done = _run(LATE, number)
    assert (done.returncode, done.stderr) == (0, "")
