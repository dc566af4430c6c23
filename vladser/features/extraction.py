"""Utterances -> features: from the cache, and what it lacks from worker processes, in
which a crash or a hang costs one file."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache as once
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pebble import ProcessPool

from vladser import processes
from vladser.errors import InputError
from vladser.features import audio, cache, npy, packed
from vladser.features.audio import BadAudio
from vladser.features.packed import Packed
from vladser.features.vladser147 import vladser147
from vladser.machine import cores
from vladser.types import Features, Utterance

DEFAULT = vladser147()
Outcome = tuple[Utterance, Path | np.ndarray | BadAudio]
_Job = tuple[Utterance, Path | None]  # and its entry in the cache, None to write none
_PATIENCE = 60.0  # seconds for a file beyond its duration; openSMILE takes 1% of that


class Extraction(NamedTuple):
    """What `extract` returns.

    Attributes:
      feature_set: see `cache.identify`; of .npy files, id and D, "npy-768".
      features: float32 [T, D] by utterance id, in the order of the utterances.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      computed, cached: how many of `features` are new, and were there before.
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
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Extraction:
    """Extracts the features of each utterance, as far as they are not in the cache.

    Workers write each result to the cache once they have it, so that an interrupted
    extraction goes on where it was. A file that crashes its worker or makes it hang is
    bad, and costs no other. Where all is cached no process starts, and opensmile,
    soundfile and audresample need not be installed.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      utterances: their ids are unique.
      cache_dir: the folder of the cache; it is made where it is missing.
      features: where files hold them, `cache_dir` and `max_seconds` play no part.
      max_seconds: longer utterances are bad.
      workers: number of processes; None for one a core.
      progress: called with 1 whenever an utterance is done.

    Raises:
      InputError: features cannot be computed here, or the cache cannot be written.
    """
    utterances, cache_dir = [*utterances], Path(cache_dir)
    outcomes: dict[str, Path | BadAudio] = {}
    how = features, max_seconds, workers
    good = []
    with started(utterances, cache_dir, *how) as sources:
        for source in sources:
            for utterance, outcome in source:
                assert not isinstance(outcome, np.ndarray)  # all are kept
                outcomes[utterance.id] = outcome
                progress(1)
            good.append(sum(isinstance(o, Path) for o in outcomes.values()))
    files, bad = dict[str, Path](), {}
    for utterance in utterances:
        if isinstance(outcome := outcomes[utterance.id], BadAudio):
            bad[utterance.id] = f"{utterance.file}: {outcome}"
        else:
            files[utterance.id] = outcome
    joined = packed.join(files)  # of mapped files: the one copy in memory
    if features.setup:
        feature_set = cache.identify(features, cache_dir)
    else:
        feature_set = f"{features.id}-{joined.frames.shape[1]}"
    cached, total = good
    return Extraction(feature_set, joined, bad, total - cached, cached)


@contextmanager
def started(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    keep: bool = True,
) -> Iterator[tuple[Iterable[Outcome], Iterable[Outcome]]]:
    """Starts an extraction: workers begin before the caller asks for what they make.

    Args:
      utterances, cache_dir, features, max_seconds, workers: as in `extract`.
      keep: False leaves the cache alone.

    Yields:
      the utterances whose features are there, and the others as they are done, each
      with the .npy file of its features (`packed.load` reads it), features [T, D] that
      are not kept, or what is wrong. Raises as `extract` does.
    """
    if not features.setup:
        yield npy.check(utterances, features.dim), ()
        return
    if keep:
        there, pending = _look_up(utterances, cache_dir, features, max_seconds)
    else:
        there, pending = [], [(utterance, None) for utterance in utterances]
    if not pending:
        yield there, ()
        return
    limit, spawn = _PATIENCE + max_seconds, get_context("spawn")
    count = min(workers or cores(), len(pending))
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    pool = ProcessPool(count, initializer=_mute, context=spawn)
    try:
        with processes.deaf_to_interrupts():
            tasks: dict[Future, Utterance] = {
                pool.schedule(
                    _compute, (*job, features, max_seconds), timeout=limit
                ): job[0]
                for job in pending
            }
        # Popped, so that features that are not kept are not held.
        done = as_completed([*tasks])
        yield there, ((tasks.pop(task), _outcome(task)) for task in done)
    finally:
        pool.stop()  # without waiting for what is left
        pool.join()
    if keep:
        cache.trim(cache_dir, {outcome for _, outcome in [*there, *pending]})


def expect(
    utterances: Sequence[Utterance], features: Features, max_seconds: float
) -> tuple[dict[str, int], int]:
    """Estimates, from the headers of files, what `extract` returns for the same
    arguments: the frames of each good utterance by its id, to within one where audio is
    resampled; and D."""
    if not features.frames:
        shapes, _ = npy.shapes(utterances, features.dim)
        dim = max((columns for _, columns in shapes.values()), default=0)
        return {id: frames for id, (frames, _) in shapes.items()}, dim
    samples = {u.id: audio.expected_samples(u, max_seconds) for u in utterances}
    return {
        id: features.frames(count)
        for id, count in samples.items()
        if count >= features.shortest
    }, features.dim


def _look_up(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    features: Features,
    max_seconds: float,
) -> tuple[list[Outcome], list[_Job]]:
    """Returns the utterances that are in the cache or bad, and the others."""
    folder = cache.folder(cache_dir, cache.identify(features, cache_dir))
    digest = once(audio.digest)

    def look_up(utterance: Utterance) -> tuple[Path | BadAudio, bool]:
        """Returns the entry or what is wrong, and whether there is no entry."""
        try:
            content = digest(utterance.file)
            entry = cache.entry(folder, content, utterance.start, utterance.end)
            samples = cache.samples(entry)
            audio.check_length((samples or 0) / audio.RATE, max_seconds)
            return entry, samples is None
        except BadAudio as reason:
            return reason, False

    there, pending = list[Outcome](), list[_Job]()
    with ThreadPoolExecutor(cores()) as threads:  # digests and checks run at once
        looked_up = [*threads.map(look_up, utterances)]
    for utterance, (entry, absent) in zip(utterances, looked_up, strict=True):
        if isinstance(entry, Path) and absent:
            pending.append((utterance, entry))
        else:
            there.append((utterance, entry))
    return there, pending


def set_up(features: Features) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the extractor of features; raises InputError where its set-up fails."""
    assert features.setup
    try:
        return features.setup()
    except InputError:
        raise
    except Exception as error:
        missing = features.package and isinstance(error, ImportError)
        hint = f": pip install {features.package}" if missing else ""
        raise InputError(f"features {features.id}: {error!r}{hint}") from error


def _outcome(task: Future) -> Path | np.ndarray | BadAudio:
    try:
        return task.result()
    except BadAudio as reason:
        return reason
    except InputError:
        raise  # not the file's
    except Exception as error:  # a crash and a hang, too
        return BadAudio(f"made the extraction fail: {error!r}")


def _mute() -> None:
    """Silences standard error, to which libmpg123 writes for many a good file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


_extractors: dict[str, Callable[[np.ndarray], np.ndarray]] = {}  # a worker's own, by id


def _compute(
    utterance: Utterance, entry: Path | None, features: Features, max_seconds: float
) -> Path | np.ndarray:
    """Computes and keeps the features of an utterance, in a worker."""
    if features.id not in _extractors:
        _extractors[features.id] = set_up(features)
    file, start, end = utterance.file, utterance.start, utterance.end
    signal = audio.load(file, start, end, max_seconds, features.shortest)
    described = _extractors[features.id](signal)
    if entry is None:
        return described
    cache.write(entry, described, len(signal))
    return entry
