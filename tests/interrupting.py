"""Interrupts all programs at random moments, several at a time.

    python tests/interrupting.py --count=300

Each is started as a user does and told to stop at some moment from its first line to
its end: by Ctrl-C, which a terminal sends to its workers as well, or by a scheduler's
SIGTERM, some of them twice. It has to end with the documented status and one line,
soon, leaving no process behind. Exit status: 0 if so, else 1.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import fake_run
import killing
import launching
import streams

from vladser.models import bundle

LIMIT = 60.0  # seconds: a loaded machine takes more than the documented 10


class Plan(NamedTuple):
    """An interrupt to come."""

    name: str  # of the program
    number: signal.Signals
    moment: float  # seconds from the program's first line
    again: float | None  # seconds from there to a second signal, if there is one


class Ended(NamedTuple):
    """How a program that was interrupted ended."""

    plan: Plan
    after: float  # seconds from its first line to the signal
    took: float  # seconds from the signal to the end
    status: int
    stderr: str
    alone: bool  # whether it left no process behind

    def fault(self) -> str | None:
        """What should not be, or None."""
        lines = self.stderr.splitlines()
        said = lines.count("interrupted")
        stopped = self.status == 128 + self.plan.number
        # It may have been at its end; then the signal changes nothing.
        well = (
            stopped and said == 1 and lines[-1] == "interrupted"
            if self.status
            else not said
        )
        quiet = not any(w in self.stderr for w in ("Traceback", "error: ", "Fatal"))
        if well and quiet and self.alone and self.took < LIMIT:
            return None
        twice = "" if self.plan.again is None else " twice"
        return (
            f"{self.plan.name}: {self.plan.number.name}{twice} after {self.after:.2f} "
            f"s: status {self.status} in {self.took:.1f} s"
            f"{'' if self.alone else ', not alone'}: {self.stderr}"
        )


class Interrupting:
    """The programs, each on little work.

    Args:
      folder: a new one, for what they read and write.
      environment: of the programs.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self._folder, self._environment = folder, environment
        self._starts = count()
        corpus = launching.corpus(folder)
        bundle.save(streams.random_bundle(), folder / "model")
        fake_run.write(folder / "run", [("mean", "none", 0.0)], seeds=(0,))
        self._audio = folder / "speech.pcm"
        self._audio.write_bytes(streams.pcm(3))
        main = "main", *corpus, *launching.SMALL, "--final_model", "--run_dir={new}"
        model = f"--model={folder / 'model'}"
        # Each {new} is a path in a folder of the process's own.
        self._programs = {
            "main": main,
            "main, all new": (*main, "--cache_dir={new}-cache"),
            "main, demo": (
                "main",
                "--corpus=demo",
                *launching.SMALL,
                "--run_dir={new}",
                "--cache_dir={new}-cache",
            ),
            "predict": (
                "predict",
                model,
                "--cache_dir={new}",
                "--window=0.3",
                "--timeline={new}-timeline",
                str(folder / "toy"),
            ),
            "stream": ("stream", model),
            "export": ("export", model, "--to=stablehlo", "--output={new}"),
            "report": ("report", str(folder / "run"), "--output={new}"),
            "audit": ("audit", *corpus),
            "benchmark": (
                "benchmark",
                "--workloads=emodb",
                "--peers=none",
                "--trials=2",
                "--rounds=1",
                "--frames=5000",
            ),
        }

    def lasts(self) -> dict[str, float]:
        """The seconds that each program takes where nothing disturbs it."""
        self._undisturbed("main")  # whose cache the others find filled
        return {name: self._undisturbed(name) for name in self._programs}

    def run(
        self,
        interrupts: int,
        draw: random.Random,
        at_once: int,
        within: Mapping[str, float],
    ) -> list[Ended]:
        """Interrupts that many, one program after the other; those that had ended
        before the signal come on top.

        Args:
          within: for each program the seconds from its first line in which the signals
            come.
        """
        names, done = list(within), []
        while (left := interrupts - sum(one.status != 0 for one in done)) > 0:
            plans = []
            for n in range(len(done), len(done) + left):
                name, number = names[n % len(names)], draw.choice(killing.STOPPING)
                again = draw.random() if draw.random() < 0.25 else None
                plans.append(Plan(name, number, draw.random() * within[name], again))
            with ThreadPoolExecutor(at_once) as pool:
                done += pool.map(self._interrupt, plans)
        return done

    def _interrupt(self, plan: Plan) -> Ended:
        process, folder = self._start(plan.name)
        killing.wait_until_it_listens(process)
        begin = time.monotonic()
        if not _ended(process, plan.moment):
            _tell(process, plan.number)
        told = time.monotonic()
        if plan.again is not None and not _ended(process, plan.again):
            _tell(process, plan.number)
        if not _ended(process, LIMIT):
            os.killpg(process.pid, signal.SIGKILL)
        status, took = process.wait(), time.monotonic() - told
        alone = killing.ends(process.pid)
        stderr = (folder / "stderr").read_text(encoding="utf-8")
        shutil.rmtree(folder)
        return Ended(plan, told - begin, took, status, stderr, alone)

    def _start(self, name: str) -> tuple[subprocess.Popen, Path]:
        """Starts it; returns its folder as well, where its standard error is."""
        folder = self._folder / f"process{next(self._starts)}"
        folder.mkdir()
        new = str(folder / "new")
        program, *argv = (word.replace("{new}", new) for word in self._programs[name])
        with self._audio.open("rb") as audio, (folder / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", f"launch.{program}", *argv],
                cwd=launching.ROOT,
                env=self._environment,
                stdin=audio,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        return process, folder

    def _undisturbed(self, name: str) -> float:
        begin = time.monotonic()
        process, folder = self._start(name)
        if process.wait():
            raise RuntimeError(f"{name}: {(folder / 'stderr').read_text()}")
        shutil.rmtree(folder)
        return time.monotonic() - begin


def _ended(process: subprocess.Popen, seconds: float) -> bool:
    """Whether it ends within so many seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _tell(process: subprocess.Popen, number: signal.Signals) -> None:
    if number == signal.SIGINT:  # as a terminal does, to its workers too
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--at_once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    said, begin = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        programs = Interrupting(Path(folder), launching.environment())
        lasts = programs.lasts()
        # Others run beside it, which makes each slower.
        within = {name: last * said.at_once / 2 for name, last in lasts.items()}
        draw = random.Random(said.seed)
        done = programs.run(said.count, draw, said.at_once, within)
    stopped = Counter(one.plan.name for one in done if one.status)
    print(f"{stopped.total()} interrupts, {len(done) - stopped.total()} came too late:")
    for name, seconds in lasts.items():
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
