"""The launcher as a process to be killed: where it is, what it has saved and found."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import launching

from launch import sealed

PHASES = (
    "start",
    "synthesis",
    "extraction",
    "compilation",
    "training",
    "checkpoint",
    "results",
    "report",
)
_SAME = ("predictions.csv", "metrics.jsonl", "clusters.jsonl", "audit.json")
_GRACE = 10.0  # seconds for the workers of a process that was killed


@dataclass(frozen=True)
class Experiment:
    """A command, and the folder for its results and, if it shares none, its cache."""

    argv: Sequence[str]
    folder: Path
    shared: Path | None = None

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def cache(self) -> Path:
        return self.shared or self.folder / "cache"

    @property
    def flags(self) -> list[str]:
        return [*self.argv, f"--cache_dir={self.cache}", f"--run_dir={self.run}"]

    def found(self) -> dict[str, object]:
        """All that must be the same, whatever happens on the way."""
        found = {name: (self.run / name).read_bytes() for name in _SAME}
        found["summary.json"] = json.loads((self.run / "summary.json").read_bytes())
        del found["summary.json"]["training"]
        kept = (self.run / "checkpoints").glob("*.finished")
        return found | {path.name: sealed.read(path)[1] for path in kept}

    def saved(self) -> dict[str, tuple[float, float]]:
        """How far each chunk is kept: the epoch and step of the earlier of two
        snapshots, (0, 0) for one alone, infinity where it is finished.

        Raises:
          DamagedError: a file that has its name is not whole.
        """
        kept = {}
        for path in (self.run / "checkpoints").glob("[!.]*"):
            head, _ = sealed.read(path)
            step = head.get("epoch", inf), head.get("step", 0)
            kept.setdefault(path.name.partition(".")[0], []).append(step)
        return {
            name: max(steps) if max(steps)[0] == inf else min([*steps, (0, 0)][:2])
            for name, steps in kept.items()
        }


class Attempt:
    """A process that runs an experiment."""

    def __init__(self, experiment: Experiment):
        self.of, self.begin = experiment, time.time()
        self._log = experiment.folder / "stderr"
        with self._log.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launch.main", *experiment.flags],
                cwd=launching.ROOT,
                env=launching.environment(),
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )

    def phase(self) -> str:
        """Where it is, by what lies in its folders."""
        run, cache = self.of.run, self.of.cache
        kept = run / "checkpoints"
        if (run / "summary.json").exists():
            return "report"
        if "compiling" not in self.said():
            if "--corpus=demo" in self.of.argv and not (cache / "demo").exists():
                return "synthesis"
            features = cache.glob("vladser147-*/*")
            return "extraction" if any(map(self._new, features)) else "start"
        if any(kept.glob(".*.unfinished")):
            return "checkpoint"
        if any(run.glob(".*.unfinished")) or (run / "predictions.csv").exists():
            return "results"
        return "training" if self._new(kept) else "compilation"

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, phase: str) -> bool:
        """Until the phase is reached or passed; False where the process ends first."""
        while self.process.poll() is None:
            if PHASES.index(self.phase()) >= PHASES.index(phase):
                return True
            time.sleep(0.002)
        return False

    def stay(self, phase: str, seconds: float) -> None:
        """Waits, but no longer than the phase lasts; that of training lasts beyond the
        checkpoints in it."""
        end, last = time.monotonic() + seconds, PHASES.index(phase)
        last += phase == "training"
        while time.monotonic() < end and PHASES.index(self.phase()) <= last:
            time.sleep(0.001)

    def end(self, timeout: float | None = None) -> int:
        """Waits for its end, and for that of its workers; returns the exit status."""
        status, end = self.process.wait(timeout), time.monotonic() + _GRACE
        while self.lives() and time.monotonic() < end:
            time.sleep(0.01)
        return status

    def lives(self) -> bool:
        """Whether it or one of its workers does."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _new(self, path: Path) -> bool:
        try:
            return path.stat().st_mtime >= self.begin
        except FileNotFoundError:
            return False
