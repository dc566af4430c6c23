"""How fast live audio is followed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from launch.benchmarking.contest import spread
from launch.streaming.following import follow, warm_up
from vladser import model
from vladser.condition import Condition, specification
from vladser.corpora import iemocap
from vladser.features import audio, extraction
from vladser.features.smile import Live
from vladser.models.bundle import Bundle

CHUNK = 0.1  # seconds that arrive at once
UTTERANCE = 4.0  # seconds, as with a microphone
_READ = 1 << 13  # samples that standard input gives at once
_PACED = 20.0  # seconds that are heard at the speed of speech


def measure(wavs: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Follows speech with the paper's model, of random parameters.

    Args:
      wavs: audio files, all of them good; a dozen of them are heard.
      rounds: how often all is heard as fast as it goes.

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
