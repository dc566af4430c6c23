"""Measures how fast vladser trains, next to the ways one would train without it.

    python -m launch.benchmark --data_dir=EMODB --json=benchmark.json
    python -m launch.benchmark --workloads=emodb --trials=1,2,5,10,20 --peers=none

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

from launch.benchmarking.contestants import PEERS
from launch.command_line import cli, parsers
from launch.command_line.parsers import boolean, count, flag, path
from launch.experiment import run_dir, terminal
from vladser.errors import InputError
from vladser.features.cores import cores


def _several(parse: Callable[[str], Any]) -> Callable[[str], tuple]:
    """Returns the parser of a list of different values, or none."""

    def several(text):
        values = () if text == "none" else tuple(map(parse, text.split(",")))
        if len(set(values)) < len(values):
            raise ValueError("should name each value once")
        return values

    return several


def _workload(text: str) -> str:
    if text not in ("emodb", "iemocap") and not (text.isdecimal() and int(text) > 5):
        raise ValueError("should be some of emodb, iemocap and numbers of frames")
    return text


def _trials(text: str) -> int:
    trials = count(text)
    if trials > 10 and trials % 10:
        raise ValueError("should be at most 10, or a multiple of it")
    return trials


@dataclass(frozen=True)
class Settings:
    """What the flags say, parsed and checked: a field a flag."""

    workloads: tuple[str, ...] = flag(
        "What",
        "emodb,iemocap",
        _several(_workload),
        "What to train on. emodb: EMO-DB's four classes, or without data_dir noise of "
        "such lengths; iemocap: noise of the lengths of IEMOCAP's 5,531 utterances; "
        "300: noise, all utterances of 300 frames.",
    )
    peers: tuple[str, ...] = flag(
        "What",
        ",".join(PEERS),
        _several(parsers.one_of(*PEERS)),
        f"Contestants beside ours, of {', '.join(PEERS)}, or none.",
    )
    extraction: bool = flag(
        "What", "false", boolean, "Also times the extraction of features in data_dir."
    )
    streaming: bool = flag(
        "What", "false", boolean, "Also times the streaming of audio in data_dir."
    )
    data_dir: Path | None = flag("Data", None, path, "The folder of EMO-DB.")
    cache_dir: Path = flag(
        "Data",
        str(user_cache_path("vladser")),
        path,
        "Where its features are kept.",
    )
    trials: tuple[int, ...] = flag(
        "How",
        "10",
        _several(_trials),
        "Trials of a workload, one number or several: up to 10 are folds, multiples of "
        "10 several seeds.",
    )
    rounds: int = flag("How", 5, count, "Rounds to time, after one to warm up.")
    frames: int = flag(
        "How", 1_000_000, count, "Real frames of a round, roughly, of all trials."
    )
    devices: int = flag("How", cores(), count, "CPU devices that jax sees.")
    json: Path | None = flag(
        "Output", None, path, "A file for all figures, each round's too."
    )


def define(values: flags.FlagValues) -> None:
    """Defines the flags of the benchmark on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues) -> Settings:
    """Returns the settings that parsed flags stand for.

    Raises:
      InputError: flags that do not go together, or folders that are not there.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    said = Settings(**given)
    for name in ("extraction", "streaming"):
        if getattr(said, name) and said.data_dir is None:
            raise InputError(f"--{name} needs --data_dir, the folder of EMO-DB")
    if said.data_dir is not None and not said.data_dir.is_dir():
        raise InputError(f"--data_dir={said.data_dir}: no such folder")
    if said.json is not None and not said.json.parent.is_dir():
        raise InputError(f"--json={said.json}: no folder {said.json.parent}")
    return said


def main(settings: Settings) -> None:
    """Measures what is asked for, prints a table of each, and writes the file."""
    # Late, for it imports jax: spawned workers need none, nor do wrong flags.
    import jax

    # Without a cache of compiled programs, since compilation is measured as well.
    jax.config.update("jax_num_cpu_devices", settings.devices)
    # A GPU is shared with PyTorch, which finds no room where jax takes it all.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from launch.benchmarking import bare_smile, contest, listening, tables, workloads

    command = shlex.join(["python", "-m", "launch.benchmark", *sys.argv[1:]])
    result: dict[str, Any] = {"format": 2, "command": command, **run_dir.environment()}
    folder, rounds = settings.data_dir, settings.rounds
    if settings.workloads:
        agreed, notes = contest.agreeing(settings.peers)
        measured = []
        for name in settings.workloads:
            data = workloads.load(name, folder, settings.cache_dir)
            for trials in settings.trials:
                plan = workloads.plan(name, data, trials, settings.frames, rounds + 1)
                names = ["ours", *agreed]
                measured.append(contest.measure(plan, names, rounds, terminal.say))
        result |= {"workloads": measured, "peers": notes}
        _show(tables.contest(measured, notes))
    wavs = sorted(folder.glob("wav/*.wav")) if folder else []
    if settings.extraction:
        result["extraction"] = bare_smile.measure(wavs, rounds, cores())
        _show(tables.figures(f"extraction of {len(wavs)} files", result["extraction"]))
    if settings.streaming:
        result["streaming"] = listening.measure(wavs, rounds)
        _show(tables.figures("streaming", result["streaming"]))
    if settings.json:
        run_dir.write_json(settings.json, result)


def _show(table: str) -> None:
    print(table, end="\n\n", flush=True)


if __name__ == "__main__":
    cli.start(main, define, read, __doc__)
