"""Features in worker processes: a crash or a hang costs one file."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, TimeoutError, as_completed
from contextlib import contextmanager
from functools import cache as once
from multiprocessing import get_context, resource_tracker
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from vladser.errors import InputError
from vladser.features import audio, cache
from vladser.features.audio import BadAudio
from vladser.features.cache import Stored
from vladser.features.smile import Smile
from vladser.types import Utterance

_PATIENCE = 60.0  # seconds for a file beyond its duration; features take 1% of that
_GROUP = 8  # files a task at most: between tasks a worker idles for 2% of a file's time

Job = tuple[Utterance, Path]  # and where the entry belongs


def compute(
    pending: Sequence[Job], features: str, max_seconds: float, workers: int
) -> Iterator[tuple[Utterance, Stored | BadAudio]]:
    """Writes features to the cache; yields each utterance some time after it is done.

    Raises:
      InputError: openSMILE does not fit, or the cache cannot be written.
    """
    if not pending:
        return
    how, limit = (features, max_seconds), _PATIENCE + max_seconds
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    spawn = get_context("spawn")
    pool = ProcessPool(min(workers, len(pending)), initializer=_mute, context=spawn)
    try:
        groups = list(_groups(pending, workers))
        while groups:
            with _deaf_to_interrupts():
                tasks: dict[Future, Sequence[Job]] = {
                    pool.schedule(_compute, (group, *how), timeout=limit): group
                    for group in groups
                }
            groups = []
            for task in as_completed(tasks):
                group = tasks[task]
                try:
                    outcomes = task.result()
                except InputError:
                    raise  # not a file's
                except Exception as error:
                    if len(group) > 1:  # one by one, to tell which file it was
                        groups += [[job] for job in group]
                        continue
                    outcomes = [BadAudio(_reason(error, limit))]
                for (utterance, _), outcome in zip(group, outcomes, strict=True):
                    yield utterance, outcome
    finally:
        pool.stop()  # also when interrupted: without waiting for what is left
        pool.join()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes and threads that begin in here get no Ctrl-C, which a terminal sends to
    workers as well: it is for the program to stop them."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    resource_tracker.ensure_running()  # lest it begin later, and undo this
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _groups(pending: Sequence[Job], workers: int) -> Iterator[Sequence[Job]]:
    """Smaller ones towards the end, so that all workers end at the same time."""
    start = 0
    while start < len(pending):
        share = (len(pending) - start) // (4 * workers)
        end = start + min(max(share, 1), _GROUP)
        yield pending[start:end]
        start = end


def _reason(error: Exception, limit: float) -> str:
    if isinstance(error, TimeoutError):
        return f"was stopped after {limit:g} s without features"
    if isinstance(error, ProcessExpired):
        return f"crashed its process (exit status {error.exitcode})"
    return f"made the extraction fail: {error!r}"


def _mute() -> None:
    """Libraries of C write to standard error, libmpg123 for many a good file; what is
    wrong with a file is said by its outcome."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


_smile = once(Smile)  # a worker's own


def _compute(
    group: Sequence[Job], features: str, max_seconds: float
) -> list[Stored | BadAudio]:
    """Writes each utterance's features to the cache (in a worker process)."""
    smile, outcomes = _smile(features), list[Stored | BadAudio]()
    for utterance, path in group:
        file, start, end = utterance.file, utterance.start, utterance.end
        try:
            signal = audio.load(file, start, end, max_seconds)
            entry = cache.Entry(smile(signal), len(signal))
            outcomes.append(cache.write(path, entry))
        except BadAudio as reason:
            outcomes.append(reason)
    return outcomes
