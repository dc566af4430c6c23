"""Features in worker processes: a crash or a hang costs one file."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, TimeoutError, as_completed
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from pathlib import Path

import numpy as np
from pebble import ProcessExpired, ProcessPool

from vladser.errors import InputError
from vladser.features import audio, cache
from vladser.features.audio import BadAudio
from vladser.types import Features, Utterance

_PATIENCE = 60.0  # seconds for a file beyond its duration; openSMILE takes 1% of that

Job = tuple[Utterance, Path | None]  # and its entry in the cache, None to write none
Outcome = tuple[Utterance, Path | np.ndarray | BadAudio]


@contextmanager
def started(
    pending: Sequence[Job], features: Features, max_seconds: float, workers: int
) -> Iterator[Iterator[Outcome]]:
    """Has features computed in worker processes, which end with the context.

    Args:
      pending: the utterances.
      features, max_seconds, workers: as in `extraction.extract`.

    Yields:
      what gives each utterance some time after it is done: with its entry, which is
      written; with its features, where it has no entry; or with what is wrong. It
      raises InputError where the set-up fails, or the cache cannot be written.
    """
    if not pending:
        yield iter(())
        return
    limit, spawn = _PATIENCE + max_seconds, get_context("spawn")
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    pool = ProcessPool(min(workers, len(pending)), initializer=_mute, context=spawn)
    try:
        with _deaf_to_interrupts():
            tasks: dict[Future, Utterance] = {
                pool.schedule(
                    _compute, (*job, features, max_seconds), timeout=limit
                ): job[0]
                for job in pending
            }
        yield ((tasks[task], _outcome(task)) for task in as_completed(tasks))
    finally:
        pool.stop()  # without waiting for what is left
        pool.join()


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
    except TimeoutError:
        return BadAudio("was stopped: its extraction took too long")
    except ProcessExpired as error:
        return BadAudio(f"crashed its process (exit status {error.exitcode})")
    except Exception as error:
        return BadAudio(f"made the extraction fail: {error!r}")


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Keeps Ctrl-C from processes and threads that begin in here: a terminal sends it
    to workers as well, and it is for the program to stop them."""
    resource_tracker.ensure_running()  # lest it begin later, and undo this
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _mute() -> None:
    """Silences standard error: libraries of C write to it, libmpg123 for many a good
    file; what is wrong with a file is said by its outcome."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


_extractors: dict[str, Callable[[np.ndarray], np.ndarray]] = {}  # a worker's own, by id


def _compute(
    utterance: Utterance, entry: Path | None, features: Features, max_seconds: float
) -> Path | np.ndarray:
    """Computes and keeps the features of an utterance (in a worker process)."""
    if features.id not in _extractors:
        _extractors[features.id] = set_up(features)
    file, start, end = utterance.file, utterance.start, utterance.end
    signal = audio.load(file, start, end, max_seconds, features.shortest)
    described = _extractors[features.id](signal)
    if entry is None:
        return described
    cache.write(entry, described, len(signal))
    return entry
