"""What a worker process of an extraction does."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from vladser import libraries
from vladser.contracts import Features
from vladser.errors import InputError
from vladser.features import audio, cache
from vladser.features.audio import BadAudio
from vladser.types import Utterance

Job = tuple[Utterance, Path | None]  # and its entry in the cache, None to write none


def set_up(features: Features) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the extractor of features; raises InputError where its set-up fails."""
    assert features.setup
    try:
        return features.setup()
    except InputError:
        raise
    except Exception as error:
        library = features.packages and isinstance(error, ImportError | OSError)
        needed = " ".join(features.packages)
        what = libraries.hint(needed, error) if library else repr(error)
        raise InputError(f"features {features.id}: {what}") from error


def mute() -> None:
    """Silences standard error, to which libmpg123 writes for many a good file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


_extractors: dict[str, Callable[[np.ndarray], np.ndarray]] = {}  # a worker's own, by id


def probe(features: Features) -> None:
    """Describes noise, in a worker: what fails here would fail for each file."""
    libraries.load("soundfile")
    libraries.load("audresample")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, audio.RATE)
    with suppress(BadAudio):
        _extractor(features)(noise.astype(np.float32))


def _extractor(features: Features) -> Callable[[np.ndarray], np.ndarray]:
    if features.id not in _extractors:
        _extractors[features.id] = set_up(features)
    return _extractors[features.id]


def compute(
    jobs: Sequence[Job], features: Features, max_seconds: float
) -> list[tuple[Path | np.ndarray, tuple[str, ...]]]:
    """Computes and keeps the features of utterances of similar length, in a worker;
    also returns notes on their audio. Raises BadAudio where any is bad."""
    extract, signals, notes = _extractor(features), [], []
    for utterance, _ in jobs:
        said = list[str]()
        how = max_seconds, features.shortest, said.append
        segment = utterance.file, utterance.start, utterance.end
        signals.append(audio.load(*segment, *how))
        notes.append(tuple(said))
    batch = features.batch or map
    results = list[Path | np.ndarray]()
    for (_, entry), signal, described, remarks in zip(
        jobs, signals, batch(extract, signals), notes, strict=True
    ):
        described = np.asarray(described)
        frames = features.frames(len(signal)) if features.frames else len(described)
        if (
            described.shape != (frames, features.dim)
            or not np.isfinite(described).all()
        ):
            raise BadAudio(
                f"has features {features.id} of shape {described.shape}: expected "
                f"finite ones of {(frames, features.dim)}"
            )
        if entry:
            cache.write(entry, described, len(signal), remarks)
        results.append(entry or described)
    return [*zip(results, notes, strict=True)]
