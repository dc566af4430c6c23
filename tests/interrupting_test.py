"""Programs that are told to stop at random moments.

Each is started as a user does and told to stop at some moment from its first line: by
Ctrl-C, which a terminal sends to its workers as well, or by a scheduler's SIGTERM, some
of them twice. It has to end with the documented status and one line, soon, and leave no
process behind. VLADSER_DEPTH multiplies the number of interrupts.
"""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import fake_run
import killing
import launching
import pytest
import streams
from fuzzing import DEPTH

from vladser.models import bundle

LIMIT = 60.0  # seconds: a loaded machine takes more than the documented 10
SMALL = ("--final_model", "--run_dir=new", *launching.SMALL)
TINY = ("--peers=none", "--trials=2", "--rounds=1")
# In a folder of its own: the seconds in which signals come, most programs last longer.
PROGRAMS = {
    "main": (4.0, "main", "{corpus}", *SMALL),
    "main, all new": (3.0, "main", "{corpus}", *SMALL, "--cache_dir=cache"),
    "main, demo": (2.0, "main", "--corpus=demo", *SMALL, "--cache_dir=cache"),
    "predict": (
        *(2.0, "predict", "--model={shared}/model", "--cache_dir=cache"),
        *("--window=0.3", "--timeline=plots", "{shared}/toy"),
    ),
    "stream": (1.0, "stream", "--model={shared}/model"),
    "export": (1.5, "export", "--model={shared}/model", "--to=stablehlo"),
    "report": (1.0, "report", "{shared}/run", "--output=new"),
    "audit": (1.0, "audit", "{corpus}"),
    "benchmark": (2.0, "benchmark", "--workloads=emodb", *TINY),
}


class Interrupt(NamedTuple):
    """One to come: the program, the seconds from its first line, and from there to a
    second signal, if there is one."""

    name: str
    number: signal.Signals
    moment: float
    again: float | None


@pytest.fixture
def folder(tmp_path):
    """What the programs read."""
    launching.write_corpus(tmp_path / "toy")
    bundle.save(streams.random_bundle(), tmp_path / "model")
    fake_run.write(tmp_path / "run", [("mean", "none", 0.0)], seeds=(0,))
    (tmp_path / "speech.pcm").write_bytes(streams.pcm(3))
    return tmp_path


def start(name, shared, folder):
    """Starts a program; its standard error goes to a file in the folder."""
    _, program, *argv = PROGRAMS[name]
    corpus = launching.flags_of(shared)
    given = [
        word.format(shared=shared)
        for said in argv
        for word in (corpus if said == "{corpus}" else [said])
    ]
    folder.mkdir()
    audio = (shared / "speech.pcm").open("rb")
    with audio, (folder / "stderr").open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", f"launch.{program}", *given],
            cwd=folder,
            env=launching.environment() | {"PYTHONPATH": str(launching.ROOT)},
            stdin=audio,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )


def ended(process, seconds):
    """Returns whether it ends within these seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None


def tell(process, number):
    """Sends a signal; Ctrl-C reaches all processes of a terminal."""
    with suppress(ProcessLookupError):
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)


def fault(plan, shared, folder):
    """Interrupts a program; returns what should not be, or None."""
    process = start(plan.name, shared, folder)
    killing.wait_until_it_listens(process)
    if not ended(process, plan.moment):
        tell(process, plan.number)
    told = time.monotonic()
    if plan.again is not None and not ended(process, plan.again):
        tell(process, plan.number)
    if not ended(process, LIMIT):
        os.killpg(process.pid, signal.SIGKILL)
    status, took = process.wait(), time.monotonic() - told
    alone = killing.ends(process.pid)
    stderr = (folder / "stderr").read_text(encoding="utf-8")
    said = stderr.splitlines()
    if status:
        well = status == 128 + plan.number and said[-1:] == ["interrupted"]
        well = well and said.count("interrupted") == 1
    else:  # the signal came after its end
        well = "interrupted" not in said
    quiet = not any(w in stderr for w in ("Traceback", "error: ", "Fatal"))
    if well and quiet and alone and took < LIMIT:
        return None
    return f"{plan}: status {status} in {took:.1f} s, alone: {alone}: {stderr}"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="when they listen is seen in /proc")
def test_every_program_ends_as_documented_whenever_it_is_told_to_stop(folder):
    draw = random.Random(0)
    plans = []
    for name in [*PROGRAMS] * 2 * DEPTH:
        number, again = draw.choice(killing.STOPPING), draw.random()
        moment = draw.random() * PROGRAMS[name][0]
        plans.append(Interrupt(name, number, moment, again if again < 0.25 else None))
    with ThreadPoolExecutor(2) as pool:
        faults = pool.map(
            lambda n: fault(plans[n], folder, folder / f"process{n}"), range(len(plans))
        )
        assert not [found for found in faults if found]
