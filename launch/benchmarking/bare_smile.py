"""Bare openSMILE, as a peer of the extraction: its processes import no jax either."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from vladser.features import audio, extraction


def run(wavs: Sequence[Path], workers: int) -> tuple[float, float]:
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
