"""Utterances -> features: from the cache, and what it lacks from worker processes."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, TimeoutError, as_completed
from contextlib import closing
from functools import cache as once
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pebble import ProcessExpired, ProcessPool

from vladser.errors import InputError
from vladser.features import audio, cache
from vladser.features.audio import BadAudio
from vladser.features.smile import Smile
from vladser.types import Utterance

_PATIENCE = 60.0  # seconds for a file beyond its duration; features take 1% of that


class Extraction(NamedTuple):
    """What `extract` found.

    Attributes:
      feature_set: names the features: their config, and the version of openSMILE.
      features: float32 [T, 147] by utterance id, in the order of the utterances.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      computed, cached: how many of `features` are new, how many come from the cache.
    """

    feature_set: str
    features: dict[str, np.ndarray]
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
    outcomes: dict[str, np.ndarray | BadAudio] = {}
    pending: list[tuple[Utterance, Path]] = []

    for utterance in utterances:
        found = _look_up(utterance, folder, digest, max_seconds)
        if isinstance(found, Path):
            pending.append((utterance, found))
        else:
            outcomes[utterance.id] = found
            progress(1)
    if pending and find_spec("opensmile") is None:
        raise InputError(
            f"{folder} lacks {len(pending)} of {len(utterances)} utterances, and "
            "opensmile, which computes them, is not installed: pip install opensmile"
        )
    with closing(_compute_all(pending, max_seconds, workers or cores())) as computing:
        for utterance, result in computing:
            outcomes[utterance.id] = result
            progress(1)

    features, bad = {}, {}
    for utterance in utterances:
        outcome = outcomes[utterance.id]
        if isinstance(outcome, BadAudio):
            bad[utterance.id] = f"{utterance.file}: {outcome}"
        else:
            features[utterance.id] = outcome
    computed = sum(utterance.id in features for utterance, _ in pending)
    return Extraction(feature_set, features, bad, computed, len(features) - computed)


def _look_up(utterance, folder, digest, max_seconds) -> np.ndarray | BadAudio | Path:
    """The cached features, what is wrong, or the path where new features belong."""
    try:
        content = digest(utterance.file)
        path = cache.entry_path(folder, content, utterance.start, utterance.end)
        entry = cache.read(path)
        if entry is None:
            return path
        audio.check_length(entry.samples / audio.RATE, max_seconds)
        return entry.features
    except BadAudio as reason:
        return reason


def _compute_all(
    pending: list[tuple[Utterance, Path]], max_seconds: float, workers: int
) -> Iterator[tuple[Utterance, np.ndarray | BadAudio]]:
    """Computes in worker processes; yields each utterance when it is done."""
    if not pending:
        return
    limit = _PATIENCE + max_seconds
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    pool = ProcessPool(min(workers, len(pending)), context=get_context("spawn"))
    try:
        tasks = {
            pool.schedule(
                _compute, (utterance, path, max_seconds), timeout=limit
            ): utterance
            for utterance, path in pending
        }
        for task in as_completed(tasks):
            yield tasks[task], _outcome(task, limit)
    finally:
        pool.stop()  # also when interrupted: without waiting for what is left
        pool.join()


def _outcome(task: Future, limit: float) -> np.ndarray | BadAudio:
    try:
        return task.result()
    except BadAudio as reason:
        return reason
    except TimeoutError:
        return BadAudio(f"was stopped after {limit:g} s without features")
    except ProcessExpired as error:
        return BadAudio(f"crashed its process (exit status {error.exitcode})")
    except InputError:
        raise  # not the file's: no openSMILE that fits, or a cache that is read-only
    except Exception as error:
        return BadAudio(f"made the extraction fail: {error!r}")


_smile = once(Smile)  # a worker's own


def _compute(utterance: Utterance, path: Path, max_seconds: float) -> np.ndarray:
    """One utterance's features, also written to the cache (in a worker process)."""
    smile = _smile()
    signal = audio.load(utterance.file, utterance.start, utterance.end, max_seconds)
    features = smile(signal)
    cache.write(path, cache.Entry(features, len(signal)))
    return features


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
