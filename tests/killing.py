"""The launcher as a process to be killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import launching

from launch.experiment import checkpoints

SMALL = (
    "--aggregator=netvlad(clusters=2)",
    "--grid=alpha=0.1,0.2",  # two conditions, one program
    "--cells=4",
    "--epochs=4",  # some to be killed in
    "--seeds=1",
    "--trials_at_once=4",
    "--checkpoint_minutes=0",
    "--workers=1",
)
# Its phases, and what it writes there, below the folder of the experiment.
PHASES = {
    "start": "stderr",
    "extraction": "cache/features/vladser147-*/*",
    "compilation": "run/audit.json",
    "training": "run/checkpoints/*.checkpoint",
    "checkpoint": "run/checkpoints/.*.unfinished",
    "results": "run/*predictions.csv*",
    "report": "run/summary.json",
}
_SAME = ("predictions.csv", "metrics.jsonl", "clusters.jsonl", "audit.json")
STOPPING = (signal.SIGINT, signal.SIGTERM)
_GRACE = 60.0  # seconds for the workers of a process that has ended


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
        for path in (self.run / "checkpoints").glob("*.finished"):
            results = checkpoints.unpack(path.read_bytes()).results
            leaves = [*results[:-2], *results.probabilities, *results.params]
            found[path.name] = [leaf.tobytes() for leaf in leaves]
        return found

    def finished(self) -> set[Path]:
        """Returns the batches that need not be trained again."""
        return {*(self.run / "checkpoints").glob("*.finished")}


def whole(corpus: Sequence[str], folder: Path) -> Experiment:
    """The experiment of the flags in SMALL on a corpus, whose flags end with that of
    its cache."""
    *argv, cache = corpus
    return Experiment((*argv, *SMALL), folder, Path(cache.partition("=")[2]))


def run_whole(corpus: Sequence[str], folder: Path) -> None:
    """Runs it to its end."""
    assert launching.call(*whole(corpus, folder).flags, pictures=True) == 0


def start(program: str, argv: Sequence[str], folder: Path, stdin=None):
    """Starts a program in a folder, and in a session of its own; its standard error
    goes to a file there."""
    with (folder / "stderr").open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", f"launch.{program}", *argv],
            cwd=folder,
            env=launching.environment() | {"PYTHONPATH": str(launching.ROOT)},
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )


class Attempt:
    """A process that runs an experiment."""

    def __init__(self, experiment: Experiment):
        self.folder, self.begin = experiment.folder, time.time()
        self.process = start("main", experiment.flags, self.folder)

    def wait_for(self, phase: str, seconds: float) -> bool:
        """Waits until a phase is reached or passed, and then for some seconds; returns
        whether the process still runs."""
        patterns = [*PHASES.values()][[*PHASES].index(phase) :]
        while self.process.poll() is None and not any(map(self._wrote, patterns)):
            time.sleep(0.002)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is None

    def said(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8")

    def end(self) -> int:
        """Waits for its end, and that of its workers; returns the exit status."""
        status = self.process.wait()
        assert ends(self.process.pid), "workers outlive it"
        return status

    def _wrote(self, pattern: str) -> bool:
        for path in self.folder.glob(pattern):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= self.begin:
                    return True
        return False


def wait_until_it_listens(process: subprocess.Popen) -> None:
    """Waits for its handlers of signals, which its first line sets, or for its end."""
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:  # it has ended, or this is no Linux
            return
        caught = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
        if int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)


def ends(group: int) -> bool:
    """Waits for the processes of a group; returns whether they end soon."""
    end = time.monotonic() + _GRACE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False
