"""How fast a folder is classified, next to openSMILE alone."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from launch.benchmarking import extraction


def measure(
    model: Path, wavs: Sequence[Path], repeats: int, workers: int
) -> dict[str, Any]:
    """Times bare openSMILE calls, see `extraction.measure`, and `launch.predict`.

    They take turns. `launch.predict` is the whole command, as a user gives it, once for
    all files and once for the shortest file of each process: what it takes to start.
    Each has an empty cache of features; programs are compiled before the first.

    Args:
      model: the folder of a bundle.
      wavs: audio files, all of them good.
      repeats: of the three.
      workers: the number of processes.

    Returns:
      seconds of each repeat: `startup_seconds` and `bare_seconds` of openSMILE alone,
      `command_seconds` and `command_startup_seconds`. Median and range over repeats:
      `files_per_second` of the command; `predict_speed` = bare / (command - its
      startup), 1 for a command that costs no more than openSMILE;
      `predict_speed_with_startup` = (startup + bare) / command.
    """
    few = sorted(wavs, key=lambda wav: wav.stat().st_size)[:workers]
    startup, bare, whole, command_startup = [], [], [], []
    with TemporaryDirectory() as programs:
        _predict(model, few, workers, programs)
        for _ in range(repeats):
            started, calls = extraction.bare_calls(wavs, workers)
            startup.append(started)
            bare.append(calls)
            whole.append(_predict(model, wavs, workers, programs))
            command_startup.append(_predict(model, few, workers, programs))
    turns = [*zip(startup, bare, whole, command_startup, strict=True)]
    return {
        "files": len(wavs),
        "workers": workers,
        "startup_seconds": startup,
        "bare_seconds": bare,
        "command_seconds": whole,
        "command_startup_seconds": command_startup,
        "files_per_second": extraction.spread([len(wavs) / w for w in whole]),
        "predict_speed": extraction.spread([b / (w - c) for _, b, w, c in turns]),
        "predict_speed_with_startup": extraction.spread(
            [(s + b) / w for s, b, w, _ in turns]
        ),
    }


def _predict(model: Path, wavs: Sequence[Path], workers: int, programs: str) -> float:
    """Seconds of the command."""
    with TemporaryDirectory() as cache:
        flags = [f"--model={model}", f"--cache_dir={cache}", f"--workers={workers}"]
        command = [sys.executable, "-m", "launch.predict", *flags, "--format=csv"]
        begin = time.perf_counter()
        subprocess.run(
            [*command, *map(str, wavs)],
            env={**os.environ, "JAX_COMPILATION_CACHE_DIR": programs},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - begin
