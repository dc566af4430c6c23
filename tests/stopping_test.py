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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_garbage_collection_is_not_lost(number):
    done = subprocess.run(
        [sys.executable, "-c", LOST, str(int(number))],
        cwd=launching.ROOT,
        capture_output=True,
        text=True,
        timeout=8,  # before the patience ends
    )
    assert (done.returncode, done.stderr) == (128 + number, "")
