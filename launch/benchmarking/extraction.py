"""How fast features are extracted, next to openSMILE alone."""

import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from vladser.features import audio, extraction
from vladser.types import Utterance

_PATIENCE = 600.0  # seconds, after which a process that died is noticed


def measure(wavs: Sequence[Path], repeats: int, workers: int) -> dict[str, Any]:
    """Times bare `smile(signal, 16000)` calls, a first extraction and a second.

    The three take turns. The bare calls are made in as many processes, which share the
    files as they go, have one extractor each, and hold all signals in memory before the
    clock starts. A first extraction is all of it, from files to one buffer: it starts
    its processes, reads, checks, writes the cache, and reads that.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      wavs: audio files, all of them good.
      repeats: of the three.
      workers: the number of processes.

    Returns:
      seconds of each repeat: `startup_seconds` (until a process has an extractor),
      `bare_seconds` (without that), `first_seconds`, `second_seconds` (all cached).
      Median and range over the repeats: `first_speed` = bare / (first - startup), 1 for
      an extraction that costs no more than openSMILE; `first_speed_with_startup` =
      (startup + bare) / first; `second_speedup` = first / second.
    """
    utterances = [Utterance(wav.stem, wav, "", "neutral") for wav in wavs]
    startup, bare = [], []
    first: list[float] = []
    second: list[float] = []
    for _ in range(repeats):
        started, calls = bare_calls(wavs, workers)
        startup.append(started)
        bare.append(calls)
        with TemporaryDirectory() as folder:
            for seconds in first, second:
                begin = time.perf_counter()
                found = extraction.extract(utterances, Path(folder), workers=workers)
                seconds.append(time.perf_counter() - begin)
    speeds, whole, speedups = [], [], []
    for s, b, f, again in zip(startup, bare, first, second, strict=True):
        speeds.append(b / (f - s))
        whole.append((s + b) / f)
        speedups.append(f / again)
    return {
        "files": len(wavs),
        "frames": int(found.features.length.sum()),
        "workers": workers,
        "startup_seconds": startup,
        "bare_seconds": bare,
        "first_seconds": first,
        "second_seconds": second,
        "first_speed": spread(speeds),
        "first_speed_with_startup": spread(whole),
        "second_speedup": spread(speedups),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": median(values), "low": min(values), "high": max(values)}


def bare_calls(wavs: Sequence[Path], workers: int) -> tuple[float, float]:
    """Seconds until processes are ready, and of all calls in them."""
    context = get_context("spawn")
    barrier, done = context.Barrier(workers + 1), context.Value("i", 0)
    arguments = [str(wav) for wav in wavs], barrier, done
    processes = [context.Process(target=_work, args=arguments) for _ in range(workers)]
    begin = time.perf_counter()
    for process in processes:
        process.start()
    barrier.wait(_PATIENCE)  # all have their extractor
    startup = time.perf_counter() - begin
    barrier.wait(_PATIENCE)  # and their signals
    begin = time.perf_counter()
    barrier.wait(_PATIENCE)  # and all features
    seconds = time.perf_counter() - begin
    for process in processes:
        process.join()
    return startup, seconds


def _work(wavs: Sequence[str], barrier, done) -> None:
    try:
        import opensmile  # here, for the parent does not need it

        assert extraction.DEFAULT.setup
        ours: Any = extraction.DEFAULT.setup()
        smile = opensmile.Smile(ours.config, "lld", options=ours.options)
        barrier.wait(_PATIENCE)
        signals = [audio.load(Path(wav)) for wav in wavs]
        barrier.wait(_PATIENCE)
        while True:
            with done.get_lock():
                number, done.value = done.value, done.value + 1
            if number >= len(signals):
                break
            smile(signals[number], audio.RATE)
        barrier.wait(_PATIENCE)
    except BaseException:
        barrier.abort()  # so that nobody waits for this process
        raise
