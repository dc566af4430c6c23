"""Features in worker processes: a crash or a hang costs one file."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, TimeoutError, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pebble import ProcessExpired, ProcessPool

from vladser import processes
from vladser.errors import InputError
from vladser.features import audio, cache
from vladser.features.audio import BadAudio
from vladser.types import Features, Utterance

_PATIENCE = 60.0  # seconds for a file beyond its duration; openSMILE takes 1% of that

Job = tuple[Utterance, Path | None]  # and its entry in the cache, None to write none


def compute(
    pending: Sequence[Job], features: Features, max_seconds: float, workers: int
) -> Generator[tuple[Utterance, Path | np.ndarray | BadAudio], None, None]:
    """Computes features in worker processes.

    Args:
      pending: the utterances.
      features, max_seconds, workers: as in `extraction.extract`.

    Yields:
      each utterance some time after it is done: with its entry, which is written; with
      its features, where it has no entry; or with what is wrong.

    Raises:
      InputError: the set-up failed, or the cache cannot be written.
    """
    if not pending:
        return
    how, limit = (features, max_seconds), _PATIENCE + max_seconds
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    spawn = get_context("spawn")
    pool = ProcessPool(min(workers, len(pending)), initializer=_mute, context=spawn)
    try:
        with processes.deaf_to_interrupts():
            tasks: dict[Future, Job] = {
                pool.schedule(_compute, (*job, *how), timeout=limit): job
                for job in pending
            }
        for task in as_completed(tasks):
            outcome: Path | np.ndarray | BadAudio
            try:
                outcome = task.result()
            except BadAudio as reason:
                outcome = reason
            except InputError:
                raise  # not the file's
            except TimeoutError:
                outcome = BadAudio(f"was stopped after {limit:g} s without features")
            except ProcessExpired as error:
                status = error.exitcode
                outcome = BadAudio(f"crashed its process (exit status {status})")
            except Exception as error:
                outcome = BadAudio(f"made the extraction fail: {error!r}")
            yield tasks[task][0], outcome
    finally:
        pool.stop()  # also when interrupted: without waiting for what is left
        pool.join()


def _mute() -> None:
    """Silences standard error: libraries of C write to it, libmpg123 for many a good
    file; what is wrong with a file is said by its outcome."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


_extractors: dict[str, Callable[[np.ndarray], np.ndarray]] = {}  # a worker's own, by id


def _compute(
    utterance: Utterance, entry: Path | None, features: Features, max_seconds: float
) -> Path | np.ndarray:
    """Computes and keeps the features of an utterance (in a worker process)."""
    assert features.setup
    if features.id not in _extractors:
        try:
            _extractors[features.id] = features.setup()
        except InputError:
            raise
        except Exception as error:  # no fault of the file
            raise InputError(f"features {features.id}: {error!r}") from error
    file, start, end = utterance.file, utterance.start, utterance.end
    signal = audio.load(file, start, end, max_seconds, features.shortest)
    described = _extractors[features.id](signal)
    if entry is None:
        return described
    cache.write(entry, described, len(signal))
    return entry
