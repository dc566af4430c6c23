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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import fake_run
import killing
import launching
import pytest
import streams
from fuzzing import DEPTH

from vladser.models import bundle

pytestmark = pytest.mark.fault("interruptions")

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


@pytest.fixture
def folder(tmp_path):
    """What the programs read."""
    launching.write_corpus(tmp_path / "toy")
    bundle.save(streams.random_bundle(), tmp_path / "model")
    fake_run.write(tmp_path / "run", [("mean", "none", 0.0)], seeds=(0,))
    (tmp_path / "speech.pcm").write_bytes(streams.pcm(3))
    return tmp_path


def start(name, shared, folder):
    _, program, *argv = PROGRAMS[name]
    if "{corpus}" in argv:
        argv = [*launching.flags_of(shared), *argv[1:]]
    argv = [word.format(shared=shared) for word in argv]
    folder.mkdir()
    with (shared / "speech.pcm").open("rb") as audio:
        return killing.start(program, argv, folder, audio)


def ended(process, seconds):
    """Returns whether it ends within these seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None


def interrupt(name, number, moments, shared, folder):
    """Sends a signal to a program at each moment, in seconds after the one before;
    checks how it ends."""
    process = start(name, shared, folder)
    killing.wait_until_it_listens(process)
    for moment in moments:
        if not ended(process, moment):
            with suppress(ProcessLookupError):  # Ctrl-C reaches all of a terminal
                (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    soon = ended(process, LIMIT)
    if not soon:
        os.killpg(process.pid, signal.SIGKILL)
    status, alone = process.wait(), killing.ends(process.pid)
    stderr = (folder / "stderr").read_text(encoding="utf-8")
    case = f"{name}, {number.name} at {moments}: {status}, {stderr}"
    assert soon and alone, case
    assert not any(word in stderr for word in ("Traceback", "error: ", "Fatal")), case
    if status:
        assert status == 128 + number and stderr.endswith("interrupted\n"), case
    assert stderr.count("interrupted") == bool(status), case  # else it came too late


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="when they listen is seen in /proc")
def test_every_program_ends_as_documented_whenever_it_is_told_to_stop(folder):
    draw, cases = random.Random(0), []
    with ThreadPoolExecutor(2) as pool:
        for n, name in enumerate([*PROGRAMS] * 2 * DEPTH):
            number, again = draw.choice(killing.STOPPING), draw.random()
            moments = [draw.random() * PROGRAMS[name][0]] + [again] * (again < 0.25)
            case = name, number, moments, folder, folder / f"process{n}"
            cases.append(pool.submit(interrupt, *case))
    for done in cases:
        done.result()
