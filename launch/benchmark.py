"""Measures how fast vladser trains, next to the ways one would train without it.

    python -m launch.benchmark --data_dir=EMODB --json=benchmark.json
    python -m launch.benchmark --workloads=none --curves=trials,length,devices

All contestants train the paper's model on the same utterances. A contestant whose loss
and gradients differ from ours is not measured. They take turns, round by round; the
unit is real frames a second, of whole training steps. Peers in PyTorch need the package
torch: pip install 'vladser[benchmark]'.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from launch.benchmarking import memory
from launch.benchmarking.contestant import PEERS
from launch.command_line import cli, fields
from launch.command_line.fields import flag
from launch.command_line.parsers import some_of
from launch.experiment import run_dir
from vladser.errors import InputError
from vladser.features.extraction import cores
from vladser.options import Count

WORKLOADS = ("emodb", "iemocap")
CURVES = ("trials", "length", "devices")


@dataclass(frozen=True)
class Settings(fields.Settings):
    """What to measure, on what, and how often.

    Attributes:
      workloads: corpora to train on. emodb: EMO-DB's four classes, or without data_dir
        noise of such lengths; iemocap: noise of the lengths of IEMOCAP's 5,531
        utterances.
      peers: contestants beside ours.
      curves: ours over the number of trainings of emodb (trials), the length of the
        utterances (length, with torch_padded if it is among the peers), the number of
        CPU devices on emodb (devices).
      extraction: also times the extraction of features in data_dir.
      streaming: also times the streaming of audio in data_dir.
      prediction: a model: also times launch.predict with it on data_dir.
      data_dir: the folder of EMO-DB.
      trials: trainings of a workload: up to 10 are folds, multiples of 10 several
        seeds.
      rounds: rounds to time, after one to warm up.
      frames: real frames of a round, roughly, of all trainings together.
      devices: CPU devices that jax sees.
      json: a file for all figures, including those of each round.
    """

    workloads: tuple[str, ...] = flag("What", "emodb,iemocap", some_of(*WORKLOADS))
    peers: tuple[str, ...] = flag("What", ",".join(PEERS), some_of(*PEERS))
    curves: tuple[str, ...] = flag("What", "none", some_of(*CURVES))
    extraction: bool = flag("What", "false")
    streaming: bool = flag("What", "false")
    prediction: Path = flag("What")
    data_dir: Path = flag("Data")
    cache_dir: Path = fields.cache_dir("Data")
    trials: Count = flag("How", 10)
    rounds: Count = flag("How", 5)
    frames: Count = flag("How", 1_000_000)
    devices: Count = flag("How", cores())
    json: Path = flag("Output")

    def checked(self) -> Self:
        """See `fields.Settings.checked`."""
        if self.trials > 10 and self.trials % 10:
            raise InputError(
                f"--trials={self.trials}: expected at most 10, or a multiple of it"
            )
        for name in "extraction", "prediction", "streaming":
            if self.data_dir is None and getattr(self, name):
                raise InputError(f"--{name} needs --data_dir, the folder of EMO-DB")
        if self.data_dir and not self.data_dir.is_dir():
            raise InputError(f"--data_dir={self.data_dir}: no such folder")
        if self.json and not self.json.parent.is_dir():
            raise InputError(f"--json={self.json}: no folder {self.json.parent}")
        return self


def main(settings: Settings) -> None:
    """Prints each table when it is ready, and finally writes the file."""
    # Late because it imports jax, which workers and wrong flags do not need.
    import jax

    memory.keep_freed()
    # Without a cache of compiled programs: compilation is measured too.
    jax.config.update("jax_num_cpu_devices", settings.devices)
    # PyTorch needs a share of the GPU's memory, of which jax would take all.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from launch.benchmarking import program

    command = shlex.join(["python", "-m", "launch.benchmark", *sys.argv[1:]])
    result = {"format": 1, "command": command, **program.run(settings)}
    if settings.json:
        run_dir.write_json(settings.json, result)


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
