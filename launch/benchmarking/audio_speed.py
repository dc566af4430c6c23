"""How fast features are extracted, beside bare openSMILE, and live audio followed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from launch.benchmarking import bare_smile
from launch.benchmarking.figures import Row
from vladser import model
from vladser.condition import Condition, specification
from vladser.corpora import iemocap
from vladser.features import audio, extraction
from vladser.features.smile import Live
from vladser.models.bundle import Bundle
from vladser.models.following import follow, warm_up
from vladser.types import Utterance

CHUNK = 0.1  # seconds that arrive at once
UTTERANCE = 4.0  # seconds, as with a microphone
_READ = 1 << 13  # samples that standard input gives at once
_PACED = 20.0  # seconds that are heard at the speed of speech


def extract(wavs: Sequence[Path], rounds: int, workers: int) -> Iterator[Row]:
    """Times bare `smile(signal, 16000)` calls, a first extraction and a second.

    The three take turns. Bare calls are made in as many processes, with all signals in
    memory. A first extraction is all of it, from files to mapped features: it starts
    its processes, reads, checks, writes the cache, and packs it.

    Yields:
      Seconds: until the bare processes are ready, of the bare calls in them, of a first
      extraction, of a second, all cached. Ratios: the speed of the first, 1 where it
      costs no more than openSMILE, without and with the start of the processes on both
      sides; how much faster the second is.
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
    what = f"extracting {len(wavs)} files in {workers} processes"
    for way, values, unit in (
        ("start of bare processes", startup, "s"),
        ("bare openSMILE", bare, "s"),
        ("first", first, "s"),
        ("second", second, "s"),
        ("first, without start", bare / (first - startup), "times bare openSMILE"),
        ("first, with start", (startup + bare) / first, "times bare openSMILE"),
        ("second", first / second, "times the first"),
    ):
        yield Row(what, way, values.tolist(), unit)


def _extracting(utterances: list[Utterance], cache: Path, workers: int) -> float:
    begin = time.perf_counter()
    extraction.extract(utterances, cache, workers=workers)
    return time.perf_counter() - begin


def stream(wavs: Sequence[Path], rounds: int) -> Iterator[Row]:
    """Follows a dozen files with the paper's model, of random parameters.

    Yields:
      Seconds of work for a second of audio as fast as it goes, in each round, and
      milliseconds from a chunk of 0.1 s, given when it would have been spoken, to its
      result, over 20 s: of each, and what 95 % take at most.
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
    what = f"streaming {len(speech) / audio.RATE:.0f} s of audio"
    yield Row(what, "as fast as it goes", factors[1:], "of its time")
    times = [1e3 * seconds for seconds in _computing(bundle, live, speech)]
    what = f"computing, a chunk of {1e3 * CHUNK:.0f} ms"
    yield Row(what, "each", times, "ms")
    yield Row(what, "95 % within", [float(np.quantile(times, 0.95))], "ms")


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
