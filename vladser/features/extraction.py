"""Utterances -> features: from the cache, and what it lacks from worker processes."""

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import cache as once
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.errors import InputError
from vladser.features import arrays, audio, cache, computing, packing, sets
from vladser.features.audio import BadAudio
from vladser.features.cache import Stored
from vladser.features.computing import Job
from vladser.features.packed import Packed
from vladser.types import Utterance


class Extraction(NamedTuple):
    """What `extract` found.

    Attributes:
      feature_set: names the features: their config and the version of openSMILE, or
        "npy-<D>".
      features: float32 [T, D] by utterance id, in the order of the utterances: one
        buffer, a file that is mapped into memory.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      computed, cached: how many of `features` are new, how many were there before.
    """

    feature_set: str
    features: Packed
    bad: dict[str, str]
    computed: int
    cached: int


def each(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    features: str = sets.DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """As `extract`, one utterance after another: those in the cache, then the others as
    they are done. Nothing is kept in memory, and nothing is packed.

    To stop early, close it: `with contextlib.closing(each(...)) as results`.

    Yields:
      each utterance once, with its features, float32 [T, D], or what is wrong.

    Raises:
      InputError: as `extract`.
    """
    if features == arrays.NAME:
        yield from arrays.each(utterances)
        return
    cache_dir = Path(cache_dir)
    folder = cache_dir / cache.feature_set(cache_dir, features)
    digest, pending = once(audio.digest), []
    for utterance in utterances:
        outcome = _look_up(utterance, folder, digest, max_seconds)
        if isinstance(outcome, BadAudio):
            yield utterance, outcome
        elif entry := isinstance(outcome, Stored) and cache.read(outcome.path):
            yield utterance, entry.features
        else:
            path = outcome if isinstance(outcome, Path) else outcome.path
            pending.append((utterance, path))
    with closing(_computed(pending, features, max_seconds, workers)) as results:
        for utterance, made in results:
            yield utterance, made if isinstance(made, BadAudio) else cache.values(made)


def extract(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    features: str = sets.DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Extraction:
    """The descriptors of each utterance, from the cache as far as they are there.

    Workers write each result to the cache once they have it, so that an interrupted
    extraction goes on where it was. A file that crashes openSMILE or makes it hang is
    bad, and the others are not affected. Where all is cached no process starts, and
    opensmile, soundfile and audresample need not be installed.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      utterances: their ids are unique.
      cache_dir: the folder of the cache; it is made where it is missing.
      features: the set, see `sets`; or "npy" where the files hold features already,
        see `arrays`: then neither cache nor `max_seconds` plays a part.
      max_seconds: longer utterances are bad.
      workers: number of processes; None for one a core.
      progress: called with 1 whenever an utterance is done.

    Raises:
      InputError: no such set; opensmile is not installed and the cache lacks something;
        the cache cannot be written; or an utterance of "npy" is a segment.
    """
    utterances, cache_dir = list(utterances), Path(cache_dir)
    if features == arrays.NAME:
        ready, reasons = arrays.pack(utterances, cache_dir, progress)
        name = f"{features}-{ready.frames.shape[1]}"
        return Extraction(name, ready, _named(reasons, utterances), 0, len(ready))
    feature_set = cache.feature_set(cache_dir, features)
    folder, digest = cache_dir / feature_set, once(audio.digest)
    outcomes = {u.id: _look_up(u, folder, digest, max_seconds) for u in utterances}
    packed = packing.read(folder, _stored(outcomes))
    new = any(isinstance(found, Path) for found in outcomes.values())
    if packed is None or new:  # so the entries are needed, where damaged made anew
        for name, entry in _stored(outcomes).items():
            if cache.read(entry.path) is None:
                outcomes[name] = entry.path
    pending = [
        (utterance, path)
        for utterance in utterances
        if isinstance(path := outcomes[utterance.id], Path)
    ]
    for _ in range(len(utterances) - len(pending)):
        progress(1)
    with closing(_computed(pending, features, max_seconds, workers)) as results:
        for utterance, outcome in results:
            outcomes[utterance.id] = outcome
            progress(1)

    entries = _stored(outcomes)
    if packed is None or len(packed) < len(entries):
        packed = packing.write(folder, entries)
    bad = _named(outcomes, utterances)
    computed = sum(utterance.id in entries for utterance, _ in pending)
    return Extraction(feature_set, packed, bad, computed, len(entries) - computed)


def _look_up(utterance, folder, digest, max_seconds) -> Stored | BadAudio | Path:
    """The entry in the cache, what is wrong, or the path where a new entry belongs."""
    try:
        content = digest(utterance.file)
        path = cache.entry_path(folder, content, utterance.start, utterance.end)
        entry = cache.find(path)
        if entry is None:
            return path
        audio.check_length(entry.samples / audio.RATE, max_seconds)
        return entry
    except BadAudio as reason:
        return reason


def _computed(
    pending: Sequence[Job], features: str, max_seconds: float, workers: int | None
) -> Generator[tuple[Utterance, Stored | BadAudio], None, None]:
    """What `computing.compute` makes of them."""
    if pending and find_spec("opensmile") is None:
        raise InputError(
            f"{pending[0][1].parent} lacks {len(pending)} utterances, and opensmile, "
            "which computes them, is not installed: pip install opensmile"
        )
    yield from computing.compute(pending, features, max_seconds, workers or cores())


def _named(
    outcomes: Mapping[str, object], utterances: Sequence[Utterance]
) -> dict[str, str]:
    """What is wrong with the bad ones, with the name of the file."""
    return {
        utterance.id: f"{utterance.file}: {reason}"
        for utterance in utterances
        if isinstance(reason := outcomes.get(utterance.id), BadAudio)
    }


def _stored(outcomes: Mapping[str, Stored | BadAudio | Path]) -> dict[str, Stored]:
    return {name: o for name, o in outcomes.items() if isinstance(o, Stored)}


def names() -> list[str]:
    """Returns what `extract` knows: openSMILE's sets, and npy for files of features."""
    return [*sets.names(), arrays.NAME]


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
