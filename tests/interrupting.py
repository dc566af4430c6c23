"""Interrupts all programs at random moments, several at a time.

    python tests/interrupting.py --count=300

Each is started as a user does, gets SIGINT or SIGTERM at some moment from its first
line to its end, and has to end with the documented status and one line, soon, leaving
no process behind. Exit status: 0 if so, else 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple

import launching
import streams

LIMIT = 20.0  # seconds: a loaded machine takes some more than the documented 10
_GRACE = 10.0  # seconds for children to end
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Program(NamedTuple):
    """A command line, `{new}` in it for a path that is not there yet, and its input."""

    argv: Sequence[str]
    stdin: Path | None = None


class Ended(NamedTuple):
    """How a program that was interrupted ended."""

    name: str
    number: signal.Signals
    after: float  # seconds from its first line to the signal
    took: float  # seconds from the signal to the end
    status: int
    stderr: str
    alone: bool  # whether it left no process behind

    def fault(self) -> str | None:
        """What should not be, or None."""
        lines = self.stderr.splitlines()
        stopped = self.status == 128 + self.number and lines[-1:] == ["interrupted"]
        # It may have been at its end; then the signal changes nothing.
        well = stopped if self.status else "interrupted" not in lines
        once = lines.count("interrupted") <= 1 and "Traceback" not in self.stderr
        if well and once and self.alone and self.took < LIMIT:
            return None
        return (
            f"{self.name}: {self.number.name} after {self.after:.2f} s: status "
            f"{self.status} in {self.took:.1f} s{'' if self.alone else ', not alone'}: "
            f"{self.stderr}"
        )


class Interrupting:
    """The programs on a small corpus, and how long each takes.

    Args:
      folder: a new one, for the corpus, a model and what the programs write.
      variables: of the environment.
    """

    def __init__(self, folder: Path, **variables: str):
        self._folder, self._new = folder, count()
        self._env = launching.environment() | variables
        corpus = launching.corpus(folder)
        run, audio = folder / "run", folder / "speech.pcm"
        audio.write_bytes(streams.pcm(3))
        train = (*corpus, *launching.SMALL, "--seeds=1", "--final_model")
        self._programs = {
            "main": Program(("main", *train, "--run_dir={new}")),
            "main, all new": Program(
                ("main", *train, "--run_dir={new}", "--cache_dir={new}-cache")
            ),
            "predict": Program(
                (
                    "predict",
                    f"--model={run / 'model'}",
                    "--cache_dir={new}",
                    "--window=0.3",
                    "--timeline={new}-timeline",
                    str(folder / "toy"),
                )
            ),
            "stream": Program(("stream", f"--model={run / 'model'}"), audio),
            "export": Program(
                (
                    "export",
                    f"--model={run / 'model'}",
                    "--to=stablehlo",
                    "--output={new}",
                )
            ),
            "report": Program(("report", str(run), "--output={new}")),
            "audit": Program(("audit", *train[:-1])),
            "benchmark": Program(
                (
                    "benchmark",
                    "--workloads=emodb",
                    "--peers=flax_linen",
                    "--trials=2",
                    "--rounds=1",
                    "--frames=5000",
                )
            ),
        }
        self._undisturbed(Program(("main", *train, f"--run_dir={run}")))
        self.lasts: dict[str, float] = {}

    def run(self, interrupts: int, draw: random.Random, at_once: int) -> list[Ended]:
        """Interrupts that many, one program after the other; those that had ended
        before the signal come on top."""
        for name, program in self._programs.items():
            self.lasts[name] = self._undisturbed(program)
        names, done = list(self._programs), []
        while (left := interrupts - sum(one.status != 0 for one in done)) > 0:
            # Others run beside it, which makes each slower.
            plans = [
                (
                    names[(len(done) + n) % len(names)],
                    draw.choice(_SIGNALS),
                    draw.random() * at_once / 2,
                )
                for n in range(left)
            ]
            with ThreadPoolExecutor(at_once) as pool:
                done += pool.map(self._interrupt, *zip(*plans, strict=True))
        return done

    def _interrupt(self, name: str, number: signal.Signals, moment: float) -> Ended:
        process, log = self._start(self._programs[name])
        while process.poll() is None and not _listens(process.pid):
            time.sleep(0.002)
        begin, after = time.monotonic(), moment * self.lasts[name]
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        told = time.monotonic()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        status, took = process.wait(), time.monotonic() - told
        alone, stderr = _ends(process.pid), log.read_text()
        return Ended(name, number, told - begin, took, status, stderr, alone)

    def _start(self, program: Program) -> tuple[subprocess.Popen, Path]:
        """Starts it; returns the file of its standard error as well."""
        new = str(self._folder / f"new{next(self._new)}")
        argv = [word.replace("{new}", new) for word in program.argv]
        log = Path(f"{new}-stderr")
        with (program.stdin or Path(os.devnull)).open("rb") as stdin:
            process = subprocess.Popen(
                [sys.executable, "-m", f"launch.{argv[0]}", *argv[1:]],
                cwd=launching.ROOT,
                env=self._env,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=log.open("w"),
                start_new_session=True,
            )
        return process, log

    def _undisturbed(self, program: Program) -> float:
        """The seconds that it takes."""
        begin = time.monotonic()
        process, log = self._start(program)
        if process.wait():
            raise RuntimeError(f"{program.argv}: {log.read_text()}")
        return time.monotonic() - begin


def _listens(process: int) -> bool:
    """Whether its handlers are in place; before that Python has ways of its own."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True
    (caught,) = (line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _ends(group: int) -> bool:
    """Waits for the processes of a group; returns whether they have ended."""
    end = time.monotonic() + _GRACE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--at_once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    said, begin = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        programs = Interrupting(Path(folder))
        done = programs.run(said.count, random.Random(said.seed), said.at_once)
    stopped = Counter(one.name for one in done if one.status)
    print(f"{stopped.total()} interrupts, {len(done) - stopped.total()} came too late:")
    for name, seconds in programs.lasts.items():
        print(f"  {name:14} {stopped[name]:4}, lasts {seconds:.1f} s undisturbed")
    slowest = max(one.took for one in done if one.status)
    faults = [fault for one in done if (fault := one.fault())]
    print(
        f"{len(faults)} wrong; the slowest end took {slowest:.1f} s; "
        f"{time.monotonic() - begin:.0f} s in all"
    )
    for fault in faults:
        print(f"fault: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
