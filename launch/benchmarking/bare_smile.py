"""How fast features are extracted, beside bare openSMILE."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from launch.benchmarking.contest import spread
from vladser.features import audio, extraction
from vladser.types import Utterance


def measure(wavs: Sequence[Path], rounds: int, workers: int) -> dict[str, Any]:
    """Times bare `smile(signal, 16000)` calls, a first extraction and a second.

    The three take turns. Bare calls are made in as many processes, with all signals in
    memory. A first extraction is all of it, from files to mapped features: it starts
    its processes, reads, checks, writes the cache, and packs it.

    Args:
      wavs: audio files, all of them good.
      rounds: how often each is timed.
      workers: the number of processes.

    Returns:
      Seconds of each round: `startup_seconds` (until the bare processes are ready),
      `bare_seconds` (without that), `first_seconds`, `second_seconds` (all cached).
      Ratios: `first_speed` = bare / (first - startup), 1 for an extraction that costs
      no more than openSMILE; `first_speed_with_startup` = (startup + bare) / first;
      `second_speedup` = first / second.
    """
    utterances = [Utterance(wav.stem, wav, "", "neutral") for wav in wavs]
    turns = []
    for _ in range(rounds):
        startup, bare = _bare(wavs, workers)
        with TemporaryDirectory() as cache:
            first = _extracting(utterances, Path(cache), workers)
            second = _extracting(utterances, Path(cache), workers)
        turns.append((startup, bare, first, second))
    startup, bare, first, second = np.transpose(turns)
    return {
        "files": len(wavs),
        "workers": workers,
        "startup_seconds": startup.tolist(),
        "bare_seconds": bare.tolist(),
        "first_seconds": first.tolist(),
        "second_seconds": second.tolist(),
        "first_speed": spread((bare / (first - startup)).tolist()),
        "first_speed_with_startup": spread(((startup + bare) / first).tolist()),
        "second_speedup": spread((first / second).tolist()),
    }


def _extracting(utterances: list[Utterance], cache: Path, workers: int) -> float:
    begin = time.perf_counter()
    extraction.extract(utterances, cache, workers=workers)
    return time.perf_counter() - begin


def _bare(wavs: Sequence[Path], workers: int) -> tuple[float, float]:
    """Returns the seconds until the processes are ready, and of all calls in them if
    these were shared out evenly."""
    begin = time.time()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        shares = [pool.submit(_work, wavs[n::workers]) for n in range(workers)]
        ready, seconds = zip(*(share.result() for share in shares), strict=True)
    return max(ready) - begin, fmean(seconds)


def _work(wavs: Sequence[Path]) -> tuple[float, float]:
    """Returns the time at which openSMILE is ready, and the seconds of its calls."""
    import opensmile  # the parent does not need it

    assert extraction.DEFAULT.setup
    ours: Any = extraction.DEFAULT.setup()
    smile = opensmile.Smile(ours.config, "lld", options=ours.options)
    ready = time.time()
    signals = [audio.load(wav) for wav in wavs]
    begin = time.perf_counter()
    for signal in signals:
        smile(signal, audio.RATE)
    return ready, time.perf_counter() - begin
