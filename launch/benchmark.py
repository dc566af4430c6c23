"""Measures how fast vladser trains, next to the ways one would train without it.

    python -m launch.benchmark --data_dir=EMODB --json=benchmark.json
    python -m launch.benchmark --workloads=emodb --trials=1,2,5,10,20 --peers=none
    python -m launch.benchmark --accelerator --json=accelerator.json

All contestants of a workload train one model on the same utterances. A contestant whose
loss and gradients differ from ours is not measured. They take turns, round by round;
the unit is real frames a second, of whole training steps. A matrix product that is
timed between the rounds tells how much of the machine they use. Peers in PyTorch need
the package torch: pip install 'vladser[benchmark]'.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import os
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from launch.benchmarking import PEERS, SYSTEMS
from launch.command_line import cli, fields
from launch.command_line.fields import flag
from launch.command_line.parsers import one_of, option, several
from launch.output import provenance, terminal
from vladser import files
from vladser.errors import InputError
from vladser.machine import cores
from vladser.options import Count


def _workload(text: str) -> str:
    named = "emodb", "iemocap", *SYSTEMS
    if text not in named and not (text.isdecimal() and int(text) > 5):
        known = ", ".join(named)
        raise ValueError(f"expected some of {known} and numbers of frames from 6")
    return text


def _trials(text: Any) -> int:
    trials = option("Count", 0)(text)
    if trials > 10 and trials % 10:
        raise ValueError("expected at most 10, or a multiple of it")
    return trials


@dataclass(frozen=True)
class Settings(fields.Settings):
    """What to measure, on what, and how often.

    Attributes:
      workloads: what to train on, or none. emodb: EMO-DB's four classes, or without
        data_dir noise of such lengths; iemocap: noise of the lengths of IEMOCAP's
        utterances, 560 of them; 300: noise, all utterances of 300 frames. These train
        the paper's system; its name, proposed, or that of another one trains it on
        noise of EMO-DB's lengths: dnn_elm, attentive_cnn, frame_lstm, triplet_lstm.
      peers: contestants beside ours, or none.
      accelerator: instead of that, all that only a GPU or TPU can say: agreement and
        speed of its kernels, training, whether bits are equal, files a second, what
        happens when memory runs out.
      extraction: also times the extraction of features in data_dir.
      streaming: also times the streaming of audio in data_dir.
      data_dir: the folder of EMO-DB.
      trials: trials of a workload, one number or several: up to 10 are folds,
        multiples of 10 several seeds.
      rounds: epochs to time, after one to warm up.
      devices: CPU devices that jax sees.
      json: a file for all figures, including those of each round.
    """

    workloads: tuple[str, ...] = flag("What", "emodb,iemocap", several(_workload))
    peers: tuple[str, ...] = flag("What", ",".join(PEERS), several(one_of(*PEERS)))
    accelerator: bool = flag("What", "false")
    extraction: bool = flag("What", "false")
    streaming: bool = flag("What", "false")
    data_dir: Path = flag("Data")
    cache_dir: Path = fields.cache_dir("Data")
    trials: tuple[int, ...] = flag("How", "10", several(_trials))
    rounds: Count = flag("How", 5)
    devices: Count = flag("How", cores())
    json: Path = flag("Output")

    def checked(self) -> Self:
        """See `fields.Settings.checked`."""
        for name in "extraction", "streaming":
            if self.data_dir is None and getattr(self, name):
                raise InputError(f"--{name} needs --data_dir, the folder of EMO-DB")
        if self.data_dir and not self.data_dir.is_dir():
            raise InputError(f"--data_dir={self.data_dir}: no such folder")
        if self.json and not self.json.parent.is_dir():
            raise InputError(f"--json={self.json}: no folder {self.json.parent}")
        return self


def main(settings: Settings) -> None:
    """Prints the tables, and finally writes the file."""
    # Late because it imports jax, which workers and wrong flags do not need.
    from launch.command_line import backend

    # Without a cache of compiled programs: compilation is measured too.
    backend.settle(num_cpu_devices=settings.devices)
    # PyTorch needs a share of the GPU's memory, of which jax would take all.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")
    from launch.benchmarking import (
        accelerator,
        audio_speed,
        contest,
        figures,
        workloads,
    )

    command = shlex.join(["python", "-m", "launch.benchmark", *sys.argv[1:]])
    result: dict[str, Any] = {"format": 4, "command": command}
    result |= provenance.environment()
    folder, rounds = settings.data_dir, settings.rounds
    if settings.accelerator:
        accelerator.check()
    if settings.workloads and not settings.accelerator:
        measured, notes = [], {}
        for name in settings.workloads:
            condition = workloads.condition(name)
            agreed, notes[name] = contest.agreeing(settings.peers, condition)
            data = workloads.load(name, folder, settings.cache_dir)
            for trials in settings.trials:
                plan = workloads.plan(name, data, trials, rounds + 1, condition)
                names = ["ours", *agreed]
                measured.append(contest.measure(plan, names, rounds))
        result |= {"workloads": measured, "peers": notes}
        print(contest.table(measured, notes), end="\n\n", flush=True)
    wavs = sorted(folder.glob("wav/*.wav")) if folder else []
    parts: list[Iterator[figures.Row]] = []
    if settings.accelerator:
        parts.append(accelerator.measure())
    if settings.extraction:
        parts.append(audio_speed.extract(wavs, rounds, cores()))
    if settings.streaming:
        parts.append(audio_speed.stream(wavs, rounds))
    rows, begin = [], time.monotonic()
    for row in chain(*parts):
        what, way, middle, _, unit = row.cells()
        after = f"after {time.monotonic() - begin:.0f} s"
        terminal.say(f"{after}: {what}, {way}: {middle} {unit}")
        rows.append(row)
    if rows:
        result["figures"] = [row._asdict() for row in rows]
        print(figures.shown(rows))
    if settings.json:
        files.write_json(settings.json, result)


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
