"""How the speed depends on one thing: the trainings, the length of the utterances, or
the devices."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from launch.benchmarking import contest, corpora, workloads
from vladser import text
from vladser.errors import VladserError
from vladser.types import Dataset

TRIALS = (1, 2, 5, 10, 20, 30, 60)
LENGTHS = (100, 300, 1000, 3000)
DEVICES = (1, 2, 4, 8)
Say = Callable[[str], None]


def over_trials(
    corpus: Dataset, frames: int, rounds: int, say: Say
) -> Iterator[dict[str, Any]]:
    """Ours on 1 to 60 trainings of a corpus of 10 speakers."""
    for count in TRIALS:
        name = text.count(count, "training")
        workload = workloads.make(name, corpus, count, frames, rounds + 1)
        yield _point(count, contest.measure(workload, ["ours"], rounds, say))


def over_lengths(
    peers: Sequence[str], frames: int, rounds: int, say: Say
) -> Iterator[dict[str, Any]]:
    """Ours and some peers on utterances of 1 to 30 s, 10 trainings."""
    for length in LENGTHS:
        corpus, name = corpora.equal(length), f"length {length}"
        workload = workloads.make(name, corpus, 10, frames, rounds + 1)
        yield _point(length, contest.measure(workload, ["ours", *peers], rounds, say))


def over_devices(flags: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Ours on 1 to 8 CPU devices, each number in a process of its own: jax is told
    before it starts.

    Args:
      flags: of that program, but for the devices and its output.
    """
    for count in DEVICES:
        with TemporaryDirectory() as folder:
            file = Path(folder, "result.json")
            command = [sys.executable, "-m", "launch.benchmark", *flags]
            command += [f"--devices={count}", f"--json={file}"]
            done = subprocess.run(command, stdout=subprocess.DEVNULL)
            if done.returncode:
                raise VladserError(f"the benchmark on {count} devices failed")
            result = json.loads(file.read_text(encoding="utf-8"))
        yield _point(count, result["workloads"][0])


def _point(x: int, result: dict[str, Any]) -> dict[str, Any]:
    return {"x": x, "contestants": result["contestants"]}
