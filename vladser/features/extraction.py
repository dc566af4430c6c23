"""Utterances -> features: from the cache, and what it lacks from worker processes."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import cache as once
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from vladser.errors import InputError
from vladser.features import audio, cache, computing, packing
from vladser.features.audio import BadAudio
from vladser.features.cache import Stored
from vladser.packed import Packed
from vladser.types import Utterance


class Extraction(NamedTuple):
    """What `extract` found.

    Attributes:
      feature_set: names the features: their config, and the version of openSMILE.
      features: float32 [T, 147] by utterance id, in the order of the utterances: one
        buffer, a file of the cache that is mapped into memory.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      computed, cached: how many of `features` are new, how many come from the cache.
    """

    feature_set: str
    features: Packed
    bad: dict[str, str]
    computed: int
    cached: int


def extract(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    max_seconds: float = 60.0,
    workers: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Extraction:
    """The 147 descriptors of each utterance, from the cache as far as they are there.

    Workers write each result to the cache once they have it, so that an interrupted
    extraction goes on where it was. A file that crashes openSMILE or makes it hang is
    bad, and the others are not affected. Where all is cached no process starts, and
    opensmile, soundfile and audresample need not be installed.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      utterances: their ids are unique.
      cache_dir: the folder of the cache; it is made where it is missing.
      max_seconds: longer utterances are bad.
      workers: number of processes; None for one a core.
      progress: called with 1 whenever an utterance is done.

    Raises:
      InputError: opensmile is not installed and the cache lacks something, or the cache
        cannot be written.
    """
    utterances, cache_dir = list(utterances), Path(cache_dir)
    feature_set = cache.feature_set(cache_dir)
    folder, digest = cache_dir / feature_set, once(audio.digest)
    outcomes = {u.id: _look_up(u, folder, digest, max_seconds) for u in utterances}
    features = packing.read(folder, _stored(outcomes))
    new = any(isinstance(found, Path) for found in outcomes.values())
    if features is None or new:  # so the entries are needed, where damaged made anew
        for name, entry in _stored(outcomes).items():
            if cache.read(entry.path) is None:
                outcomes[name] = entry.path
    pending = [
        (utterance, path)
        for utterance in utterances
        if isinstance(path := outcomes[utterance.id], Path)
    ]
    if pending and find_spec("opensmile") is None:
        raise InputError(
            f"{folder} lacks {len(pending)} of {len(utterances)} utterances, and "
            "opensmile, which computes them, is not installed: pip install opensmile"
        )
    for _ in range(len(utterances) - len(pending)):
        progress(1)
    with closing(
        computing.compute(pending, max_seconds, workers or cores())
    ) as results:
        for utterance, outcome in results:
            outcomes[utterance.id] = outcome
            progress(1)

    entries = _stored(outcomes)
    if features is None or len(features) < len(entries):
        features = packing.write(folder, entries)
    bad = {
        utterance.id: f"{utterance.file}: {reason}"
        for utterance in utterances
        if isinstance(reason := outcomes[utterance.id], BadAudio)
    }
    computed = sum(utterance.id in entries for utterance, _ in pending)
    return Extraction(feature_set, features, bad, computed, len(entries) - computed)


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


def _stored(outcomes: Mapping[str, Stored | BadAudio | Path]) -> dict[str, Stored]:
    return {name: o for name, o in outcomes.items() if isinstance(o, Stored)}


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
