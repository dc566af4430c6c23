"""Worker processes that compute features: a crash or a hang costs one file."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pebble import ProcessPool

from vladser import processes
from vladser.contracts import Features
from vladser.errors import InputError
from vladser.features import worker
from vladser.features.audio import BadAudio
from vladser.features.worker import Job
from vladser.machine import cores
from vladser.types import Utterance

NETWORKS = 4  # workers that have one: on a GPU each takes half a gigabyte beyond it
_BATCH = 8  # utterances that a network takes at once: 30 s of speech fill a GPU
_PATIENCE = 60.0  # seconds for a file beyond its duration; openSMILE takes 1% of that

# An utterance, its features or what is wrong with it, and notes on its audio.
_Answer = tuple[Utterance, Path | np.ndarray | BadAudio, tuple[str, ...]]
_Schedule = Callable[[Sequence[Job]], Future]


@contextmanager
def computing(
    jobs: Sequence[Job], features: Features, max_seconds: float, workers: int | None
) -> Iterator[Iterator[_Answer]]:
    """Starts workers; yields what they answer, as they do. See `extraction.started`."""
    count = min(
        workers or cores(), len(jobs), NETWORKS if features.batch else len(jobs)
    )
    # pebble, because with concurrent.futures one crash loses all that is unfinished.
    pool = ProcessPool(count, initializer=worker.mute, context=get_context("spawn"))
    limit = _PATIENCE + max_seconds

    def schedule(batch: Sequence[Job]) -> Future:
        work = batch, features, max_seconds
        return pool.schedule(worker.compute, work, timeout=limit * len(batch))

    try:
        with processes.deaf_to_interrupts():
            trial = pool.schedule(worker.probe, (features,), timeout=limit)
            batches = _batches(jobs, count) if features.batch else [[j] for j in jobs]
            tasks = {schedule(batch): batch for batch in batches}
        yield _answers(trial, tasks, schedule, features)
    finally:
        pool.stop()  # without waiting for what is left
        pool.join()


def _batches(jobs: Sequence[Job], workers: int) -> list[Sequence[Job]]:
    """Returns jobs of similar length together, the longest first."""

    def length(job: Job) -> tuple[float, int]:
        """Returns the seconds of a segment, and the bytes of its file: what is known
        without decoding it, of files of one kind."""
        utterance, _ = job
        file, start, end = utterance.file, utterance.start, utterance.end
        seconds = 0.0 if end is None else end - (start or 0.0)
        try:
            return seconds, file.stat().st_size
        except OSError:  # the worker says so
            return seconds, 0

    ordered = sorted(jobs, key=length, reverse=True)
    size = min(_BATCH, -(-len(jobs) // workers))
    return [ordered[i : i + size] for i in range(0, len(jobs), size)]


def _answers(
    trial: Future,
    tasks: dict[Future, Sequence[Job]],
    schedule: _Schedule,
    features: Features,
) -> Iterator[_Answer]:
    """Yields what workers have done, once they are known to be able to."""
    try:
        trial.result()
    except InputError:
        raise
    except BrokenProcessPool:
        raise InputError(
            'no worker process starts: a script needs `if __name__ == "__main__":`, '
            "and room in /dev/shm"
        ) from None
    except Exception as error:  # a crash and a hang, too
        raise InputError(f"features {features.id} fail on noise: {error!r}") from None
    yield from _collected(tasks, schedule)


def _collected(
    tasks: dict[Future, Sequence[Job]], schedule: _Schedule
) -> Iterator[_Answer]:
    """Yields the answers of tasks; batches that failed are done one by one."""
    again: dict[Future, Sequence[Job]] = {}
    for task in as_completed([*tasks]):
        jobs = tasks.pop(task)  # so that features that are not kept are not held
        try:
            found = task.result()
        except Exception as error:  # a crash and a hang, too
            if isinstance(error, InputError) and not isinstance(error, BadAudio):
                raise  # not the file's
            if len(jobs) > 1:
                again |= {schedule([job]): [job] for job in jobs}
                continue
            if not isinstance(error, BadAudio):
                error = BadAudio(f"made the extraction fail: {error!r}")
            found = [(error, ())]
        for (utterance, _), answer in zip(jobs, found, strict=True):
            yield utterance, *answer
    if again:
        yield from _collected(again, schedule)
