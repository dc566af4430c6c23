"""How fast features are extracted, beside bare openSMILE, and live audio followed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from launch.benchmarking import bare_smile
from launch.benchmarking.contest import spread
from launch.streaming.following import follow, warm_up
from vladser import model, text
from vladser.condition import Condition, specification
from vladser.corpora import iemocap
from vladser.features import audio, extraction
from vladser.features.smile import Live
from vladser.models.bundle import Bundle
from vladser.types import Utterance

CHUNK = 0.1  # seconds that arrive at once
UTTERANCE = 4.0  # seconds, as with a microphone
_READ = 1 << 13  # samples that standard input gives at once
_PACED = 20.0  # seconds that are heard at the speed of speech


def extract(wavs: Sequence[Path], rounds: int, workers: int) -> dict[str, Any]:
    """Times bare `smile(signal, 16000)` calls, a first extraction and a second.

    The three take turns. Bare calls are made in as many processes, with all signals in
    memory. A first extraction is all of it, from files to mapped features: it starts
    its processes, reads, checks, writes the cache, and packs it.

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
        startup, bare = bare_smile.run(wavs, workers)
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


def stream(wavs: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Follows a dozen files with the paper's model, of random parameters.

    Returns:
      `real_time_factor`, seconds of work for a second of audio as fast as it goes:
      median and range over the rounds. `compute_seconds` from a chunk of 0.1 s, given
      when it would have been spoken, to its result: median, 95 % quantile and maximum
      over 20 s.
    """
    chosen = wavs[:: max(len(wavs) // 12, 1)]
    speech = np.concatenate([audio.load(wav) for wav in chosen])
    speech = (speech * 32768).astype(np.int16)
    bundle = _bundle()
    assert extraction.DEFAULT.setup
    smile: Any = extraction.DEFAULT.setup()
    live = partial(Live, smile)
    warm_up(bundle)
    factors = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        chunks = (speech[at : at + _READ] for at in range(0, len(speech), _READ))
        deque(follow(bundle, live, chunks, every=0.5, utterance=UTTERANCE), maxlen=0)
        factors.append((time.perf_counter() - begin) * audio.RATE / len(speech))
    times = [*_computing(bundle, live, speech)]
    median, p95, most = np.quantile(times, [0.5, 0.95, 1]).tolist()
    return {
        "audio_seconds": len(speech) / audio.RATE,
        "compute_seconds": {"median": median, "p95": p95, "max": most},
        "real_time_factor": spread(factors[1:]),
    }


def _bundle() -> Bundle:
    features, condition = extraction.DEFAULT, Condition()
    dim, classes = features.dim, len(iemocap.CLASSES)
    params = model.init(jax.random.key(0), specification(condition, dim, classes))
    scaler = np.zeros(dim, np.float32), np.full(dim, 1e-3, np.float32)
    return Bundle(iemocap.CLASSES, features.id, condition, *scaler, params, {})


def _computing(bundle: Bundle, live: Callable, speech: np.ndarray) -> Iterator[float]:
    """Yields the seconds from each chunk, as it would be spoken, to its result."""
    given, hop = 0.0, round(CHUNK * audio.RATE)

    def chunks() -> Iterator[np.ndarray]:
        nonlocal given
        begin = time.perf_counter()
        for number in range(round(_PACED / CHUNK)):
            spoken = begin + (number + 1) * CHUNK
            time.sleep(max(spoken - time.perf_counter(), 0))
            given = time.perf_counter()
            samples = range(number * hop, (number + 1) * hop)
            yield np.take(speech, samples, mode="wrap")

    for _ in follow(bundle, live, chunks(), every=CHUNK, utterance=UTTERANCE):
        yield time.perf_counter() - given


def figures(title: str, result: Mapping[str, Any]) -> str:
    """Returns the figures of a result that have a median, a row each."""
    tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name, value in result.items():
        if isinstance(value, dict):
            row = name.replace("_", " "), *(f"{x:.4g}" for x in value.values())
            tables.setdefault(("", *value), []).append(row)
    written = [text.table(*table, markdown=True) for table in tables.items()]
    return "\n\n".join([title, *written])
