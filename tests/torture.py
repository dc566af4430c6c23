"""Kills experiments again and again, and looks whether that changes what they find.

    python tests/torture.py --kills=50 --signal=KILL
    python tests/torture.py --kills=20 --signal=TERM

An experiment on the demo corpus, from its synthesis to the report, runs once
undisturbed. Then it begins anew, is killed in one phase after another, at random
moments, each time started again with the same command, and ends; and so on, until
there are enough kills. All must end with the same bytes, exit as documented, soon,
name nothing damaged, leave nothing behind, and train nothing again that was
saved. Exit status: 0 if so, else 1.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from killing import PHASES, STOPPING, Attempt, Experiment, wait_until_it_listens

DEMO = (
    "--corpus=demo",
    "--grid=aggregator=mean,netvlad(clusters=2)",
    "--cells=8",
    "--seeds=1",
    "--epochs=2",
    "--validation=partner",
    "--trials_at_once=5",
    "--checkpoint_minutes=0.002",
)
_LIMIT = 60.0  # seconds from a signal to the end: 10 where nothing else runs
_STOPPED = "interrupted\n"


@dataclass
class Torture:
    """Kills, and what is seen of them.

    Attributes:
      lasts: seconds of each phase, for a moment in it to be drawn.
      hit: how many kills there were, by phase.
      slowest: seconds from a signal to the end.
      faults: what should not be, a line each.
    """

    draw: random.Random
    lasts: dict[str, float]
    hit: Counter = field(default_factory=Counter)
    starts: int = 0
    ends: int = 0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)

    def run(
        self,
        experiment: Experiment,
        kills: Sequence[tuple[str, signal.Signals]],
        whole: dict[str, object],
    ) -> None:
        """Kills an experiment in one phase after another, lets it end and compares
        what it found."""
        for phase, number in kills:
            before, attempt = experiment.saved(), self._start(experiment)
            if not self._kill(attempt, phase, number):
                break
            after = experiment.saved()
            self.faults += [f"{n} is damaged" for n, at in after.items() if at < 0]
            for name, epoch in before.items():
                if after.get(name, 0) < epoch:
                    self.faults.append(f"batch {name} went back behind epoch {epoch}")
        else:
            attempt = self._start(experiment)
        if status := attempt.end():
            self.faults.append(f"status {status} at the end: {attempt.said()}")
            return
        self.ends += 1
        self._look(attempt)
        found = experiment.found()
        for name in sorted(whole.keys() | found.keys()):
            if whole.get(name) != found.get(name):
                self.faults.append(f"{name} is not the same")
        for pattern in "*.unfinished", "*.checkpoint":
            left = experiment.run.rglob(pattern)
            self.faults += [f"{path} is left behind" for path in left]

    def _start(self, experiment: Experiment) -> Attempt:
        self.starts += 1
        return Attempt(experiment)

    def _kill(self, attempt: Attempt, phase: str, number: signal.Signals) -> bool:
        """Returns whether the process was still there."""
        if number in STOPPING:
            wait_until_it_listens(attempt.process)
        if not attempt.wait_for(phase):
            return False
        attempt.stay(phase, self.draw.random() * self.lasts.get(phase, 0.0))
        phase, begin = attempt.phase(), time.monotonic()
        attempt.process.send_signal(number)
        status = attempt.process.wait()
        if status == 0:
            return False
        took = time.monotonic() - begin
        self.slowest = max(self.slowest, took)
        attempt.end()
        if number == signal.SIGKILL:
            phase = attempt.phase()  # to the point, as nothing moves any more
        self.hit[phase] += 1
        if number in STOPPING:
            well = status == 128 + number and attempt.said().endswith(_STOPPED)
        else:
            well = status == -number
        if not well or took > _LIMIT:
            self.faults.append(
                f"status {status} after {took:.1f} s, killed in {phase}: "
                f"{attempt.said()}"
            )
        if not attempt.alone:
            self.faults.append(f"workers outlive a process that was killed in {phase}")
        self._look(attempt)
        return True

    def _look(self, attempt: Attempt) -> None:
        said = attempt.said()
        if "Traceback" in said:
            self.faults.append(said)
        self.faults += [line for line in said.splitlines() if "damaged" in line]


def undisturbed(experiment: Experiment) -> tuple[dict[str, object], dict[str, float]]:
    """What an experiment finds, and the seconds of its phases."""
    attempt, lasts, clock = Attempt(experiment), Counter(), time.monotonic()
    while attempt.process.poll() is None:
        phase = attempt.phase()
        time.sleep(0.005)
        lasts[phase] += time.monotonic() - clock
        clock = time.monotonic()
    if attempt.end():
        raise RuntimeError(attempt.said())
    lasts["checkpoint"] = 0.005  # of one
    return experiment.found(), lasts


def torture(
    argv: Sequence[str],
    folder: Path,
    number: signal.Signals,
    kills: int,
    phases: Callable[[random.Random], Sequence[str]],
    seconds: float = inf,
) -> Torture:
    """Runs a command until it was killed `kills` times.

    Args:
      phases: draws those in which one experiment is killed, in their order.
      seconds: after them no experiment is begun.
    """
    begin, draw = time.monotonic(), random.Random(0)
    (folder / "whole").mkdir()
    whole, lasts = undisturbed(Experiment(argv, folder / "whole"))
    done = Torture(draw, lasts)
    while (left := kills - done.hit.total()) and time.monotonic() - begin < seconds:
        (folder / "killed").mkdir()
        drawn = [(phase, number) for phase in phases(draw)]
        done.run(Experiment(argv, folder / "killed"), drawn[:left], whole)
        shutil.rmtree(folder / "killed")
    return done


def _mixed(draw: random.Random) -> list[str]:
    """Each phase once and three of them twice: no two experiments go alike."""
    return sorted([*PHASES, *draw.sample(PHASES, 3)], key=PHASES.index)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--signal", choices=("KILL", "TERM", "INT"), default="KILL")
    parser.add_argument("--minutes", type=float, default=inf)
    said = parser.parse_args()
    number, begin = signal.Signals[f"SIG{said.signal}"], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        limit = 60 * said.minutes
        done = torture(DEMO, Path(folder), number, said.kills, _mixed, limit)
    by_phase = ", ".join(f"{phase} {done.hit[phase]}" for phase in PHASES)
    print(f"{number.name} {done.hit.total()} times: {by_phase}")
    print(
        f"{done.starts} starts, {done.ends} experiments ended; the slowest stop took "
        f"{done.slowest:.1f} s; {time.monotonic() - begin:.0f} s in all"
    )
    for fault in done.faults:
        print(f"fault: {fault}")
    return 1 if done.faults or done.hit.total() < said.kills else 0


if __name__ == "__main__":
    sys.exit(main())
