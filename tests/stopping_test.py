"""Signals, as a process of its own gets them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import launching
import pytest

pytestmark = pytest.mark.fault("interruptions")

BEGIN = """
import gc, os, signal, sys, threading, time
from launch.command_line import stopping

number = int(sys.argv[1])
if len(sys.argv) == 2:
    signal.signal(number, signal.SIG_DFL)  # as from a terminal
stopping.listen()

def told():
    os.kill(os.getpid(), number)
"""
SLEEPING = "told(); time.sleep(60)"
# What a program may be at when the signal comes.
AT_WORK = {
    "sleeping": SLEEPING,
    "computing": "told()\nwhile True: pass",
    "in code that catches all": """
told()
while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
""",
    "in a lock": "told(); lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "behind a reader that has stopped": """
threading.Timer(0.5, told).start()
while True:
    print("x" * 1000)
""",
    "with threads in C": """
import zlib
def work():
    while True:
        zlib.compress(bytes(10 ** 6))
for _ in range(4):
    threading.Thread(target=work).start()
told()
time.sleep(60)
""",
    "with patience, for the second time": """
stopping.PATIENCE = 600
with stopping.deferred():
    told()
    time.sleep(0.5)
    told()
    time.sleep(60)
""",
    "without an end": """
stopping.PATIENCE = 0.5
with stopping.deferred():
    told()
    time.sleep(60)
""",
}

DEFERRED = """
try:
    with stopping.deferred():
        told()
        while not stopping.asked():
            time.sleep(0.01)
        print("saved")
    print("not reached")
except stopping.Stopped as stopped:
    stopping.leave(stopped.status)
"""
ENDED = """
import atexit

def late():
    told()
    time.sleep(0.5)
    print("late", flush=True)

atexit.register(late)
stopping.leave(3)
"""
PARENT = (
    """
import subprocess
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
"""
    + SLEEPING
)
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def start(code, number):
    """Starts a program that is told to stop by the signal of this number."""
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, str(int(number))],
        cwd=launching.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code, number):
    process = start(code, number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@SIGNALS
@pytest.mark.parametrize("at", AT_WORK)
def test_a_signal_ends_it_with_its_status_and_one_line(at, number):
    with start(AT_WORK[at], number) as process:
        # Nobody reads its output.
        assert process.wait(timeout=60) == 128 + number
        assert process.stderr.read() == "interrupted\n"


@SIGNALS
def test_nobody_needs_to_read_its_errors(number):
    code = "threading.Timer(0.5, told).start()\nwhile True: os.write(2, b'x')"
    with start(code, number) as process:
        assert process.wait(timeout=60) == 128 + number


@SIGNALS
@pytest.mark.parametrize(
    ("code", "status", "out"),
    [(DEFERRED, None, "saved\n"), (ENDED, 3, "late\n")],
)
def test_what_was_begun_ends_and_what_it_printed_is_there(code, status, out, number):
    err = "" if status else "interrupted\n"  # the interpreter has begun to end
    assert run(code, number) == (status or 128 + number, out, err)


@pytest.mark.skipif(sys.platform != "linux", reason="children are known on Linux alone")
@SIGNALS
def test_no_child_outlives_it(number):
    status, child, _ = run(PARENT, number)
    assert status == 128 + number
    end = time.monotonic() + 60
    while _lives(int(child)):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_a_closed_terminal_and_warnings_of_schedulers_let_work_be_saved(name):
    number = signal.Signals[name]
    assert run(DEFERRED, number) == (128 + number, "saved\n", "interrupted\n")


def test_nohup_lets_it_outlive_its_terminal():
    code = BEGIN + "told(); print('lives')"
    command = ["nohup", sys.executable, "-c", code, str(int(signal.SIGHUP)), "nohup"]
    done = subprocess.run(command, cwd=launching.ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"lives\n")


def _lives(process):
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
