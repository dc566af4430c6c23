"""Measures how fast vladser trains, next to the ways one would train without it.

    python -m launch.benchmark --data_dir=EMODB --json=benchmark.json
    python -m launch.benchmark --workloads=none --curves=trials,length,devices

All contestants train the paper's model on the same utterances. A contestant whose loss
and gradients differ from ours is not measured. They take turns, round by round; the
unit is real frames a second, of whole training steps. Peers in PyTorch need the package
torch: pip install 'vladser[benchmark]'.
"""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from absl import flags
from platformdirs import user_cache_path

from launch.benchmarking import memory
from launch.benchmarking.contestant import PEERS
from launch.command_line import cli, parsers
from launch.command_line.parsers import boolean, count, flag, path
from launch.experiment import run_dir
from vladser.errors import InputError
from vladser.features.cores import cores

WORKLOADS = ("emodb", "iemocap")
CURVES = ("trials", "length", "devices")


def _several(*names: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text):
        chosen = () if text == "none" else tuple(text.split(","))
        if not set(chosen) <= set(names) or len(set(chosen)) < len(chosen):
            raise ValueError(f"should be some of {','.join(names)}, or none")
        return chosen

    return parse


@dataclass(frozen=True)
class Settings:
    """What the flags say, parsed and checked: a field a flag."""

    workloads: tuple[str, ...] = flag(
        "What",
        "emodb,iemocap",
        _several(*WORKLOADS),
        "Corpora to train on. emodb: EMO-DB's four classes, or without data_dir noise "
        "of such lengths; iemocap: noise of the lengths of IEMOCAP's 5,531 utterances.",
    )
    peers: tuple[str, ...] = flag(
        "What",
        ",".join(PEERS),
        _several(*PEERS),
        f"Contestants beside ours, of {', '.join(PEERS)}.",
    )
    curves: tuple[str, ...] = flag(
        "What",
        "none",
        _several(*CURVES),
        "Ours over the number of trainings of emodb (trials), the length of the "
        "utterances (length, with torch_padded if it is among the peers), the number "
        "of CPU devices on emodb (devices).",
    )
    extraction: bool = flag(
        "What", "false", boolean, "Also times the extraction of features in data_dir."
    )
    streaming: bool = flag(
        "What", "false", boolean, "Also times the streaming of audio in data_dir."
    )
    prediction: Path = flag(
        "What", None, path, "A model: also times launch.predict with it on data_dir."
    )
    data_dir: Path = flag("Data", None, path, "The folder of EMO-DB.")
    cache_dir: Path = flag(
        "Data",
        None,
        path,
        f"Where its features are kept (default: {user_cache_path('vladser')}).",
    )
    trials: int = flag(
        "How",
        10,
        count,
        "Trainings of a workload: up to 10 are folds, multiples of 10 several seeds.",
    )
    rounds: int = flag("How", 5, count, "Rounds to time, after one to warm up.")
    frames: int = flag(
        "How", 1_000_000, count, "Real frames of a round, roughly, all trainings."
    )
    devices: int = flag("How", cores(), count, "CPU devices that jax sees.")
    json: Path = flag("Output", None, path, "A file for all figures, each round's too.")


def define(values: flags.FlagValues) -> None:
    """Defines the flags of the benchmark on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues) -> Settings:
    """Returns the settings that parsed flags stand for.

    Raises:
      InputError: flags that do not go together, or folders that are not there.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    trials, data_dir, json = given["trials"], given["data_dir"], given["json"]
    if trials > 10 and trials % 10:
        raise InputError(f"--trials={trials} should be at most 10, or a multiple of it")
    for name in ("extraction", "prediction", "streaming"):
        if data_dir is None and given[name]:
            raise InputError(f"--{name} needs --data_dir, the folder of EMO-DB")
    if data_dir is not None and not data_dir.is_dir():
        raise InputError(f"--data_dir={data_dir}: no such folder")
    if json is not None and not json.parent.is_dir():
        raise InputError(f"--json={json}: no folder {json.parent}")
    given["cache_dir"] = given["cache_dir"] or user_cache_path("vladser")
    return Settings(**given)


def main(settings: Settings) -> None:
    """All that is asked for: a table each as it is ready, at last the file."""
    # Late, for it imports jax: spawned workers need none, nor do wrong flags.
    import jax

    memory.keep_freed()
    # Without a cache of compiled programs, for compilation is measured as well.
    jax.config.update("jax_num_cpu_devices", settings.devices)
    # A GPU is shared with PyTorch, which finds no room where jax takes it all.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from launch.benchmarking import program

    command = shlex.join(["python", "-m", "launch.benchmark", *sys.argv[1:]])
    result = {"format": 1, "command": command, **program.run(settings)}
    if settings.json:
        run_dir.write_json(settings.json, result)


if __name__ == "__main__":
    cli.start(main, define, read, __doc__)
