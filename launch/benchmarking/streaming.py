"""How fast a stream is followed, and how far behind it frames are."""

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from launch.streaming.following import follow, warm_up
from vladser import model
from vladser.condition import Condition, specification
from vladser.features import audio, lengths, sets
from vladser.features.live import Live
from vladser.features.smile import Smile
from vladser.models.bundle import Bundle

CHUNK = 0.1  # seconds that arrive at once
UTTERANCE = 4.0  # seconds, as with a microphone
_READ = 1 << 13  # samples that standard input gives at once
_PACED = 20.0  # seconds that are listened to as they would be spoken


def measure(wavs: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Streams speech through the paper's model, with random parameters.

    Args:
      wavs: audio files, all of them good; some 30 s of them are heard.
      rounds: how often all is streamed as fast as it goes.

    Returns:
      `compute_seconds` from a chunk of 0.1 s, given when it would have been spoken, to
      its result: median, p95 and max over 20 s. `real_time_factor`, seconds of work
      for a second of audio, as fast as it goes: median, low and high over the rounds.
      `delay_seconds` of audio from the beginning of a frame's window until the frame is
      final: median, p95 and max over the frames.
    """
    signals, smile, bundle = _signals(wavs), Smile(), _bundle()
    heard = np.concatenate(signals)
    seconds = len(heard) / audio.RATE
    warm_up(bundle)
    speeds = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        chunks = (heard[at : at + _READ] for at in range(0, len(heard), _READ))
        for _ in follow(bundle, smile, chunks, every=0.5, utterance=UTTERANCE):
            pass
        speeds.append((time.perf_counter() - begin) / seconds)
    speeds = speeds[1:]
    return {
        "audio_seconds": seconds,
        "compute_seconds": _tail(list(_computing(bundle, smile, heard))),
        "real_time_factor": {
            "median": median(speeds),
            "low": min(speeds),
            "high": max(speeds),
        },
        "delay_seconds": _tail(list(chain(*(_delays(smile, s) for s in signals)))),
    }


def _tail(values: Sequence[float]) -> dict[str, float]:
    p95 = float(np.quantile(values, 0.95))
    return {"median": median(values), "p95": p95, "max": max(values)}


def _signals(wavs: Sequence[Path]) -> list[np.ndarray]:
    """A dozen of them, from all over the list, as int16 samples."""
    chosen = wavs[:: max(len(wavs) // 12, 1)]
    return [(audio.load(wav) * 32768).astype(np.int16) for wav in chosen]


def _bundle() -> Bundle:
    found, emotions = sets.find(sets.DEFAULT), ("angry", "happy", "sad", "neutral")
    condition, dim = Condition(), len(found.names)
    params = model.init(jax.random.key(0), specification(condition, dim, len(emotions)))
    scaler = np.zeros(dim, np.float32), np.full(dim, 1e-3, np.float32)
    return Bundle(emotions, found.id, condition, *scaler, params, {})


def _computing(bundle: Bundle, smile: Smile, heard: np.ndarray) -> Iterator[float]:
    """Seconds from each chunk, as it would be spoken, to its result."""
    given, hop = 0.0, round(CHUNK * audio.RATE)

    def chunks() -> Iterator[np.ndarray]:
        nonlocal given
        begin = time.perf_counter()
        for number, at in enumerate(range(0, round(_PACED * audio.RATE), hop), 1):
            time.sleep(max(begin + number * CHUNK - time.perf_counter(), 0))
            given = time.perf_counter()
            yield np.take(heard, range(at, at + hop), mode="wrap")

    for _ in follow(bundle, smile, chunks(), every=CHUNK, utterance=UTTERANCE):
        yield time.perf_counter() - given


def _delays(smile: Smile, samples: np.ndarray) -> Iterator[float]:
    """Seconds from where each frame begins to where it comes, heard by 10 ms."""
    with Live(smile) as live:
        frame, end = 0, len(samples) - len(samples) % lengths.HOP
        for at in range(0, end, lengths.HOP):
            for _ in live.push(samples[at : at + lengths.HOP]):
                yield (at + lengths.HOP - frame * lengths.HOP) / audio.RATE
                frame += 1
