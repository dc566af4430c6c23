"""What a node does, in one process that has all of its devices."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray

from launch.command_line import backend, environment
from launch.experiment import working
from launch.experiment.working import News, Resume
from launch.output import provenance
from launch.output.provenance import Machine
from vladser.contracts import Features
from vladser.engine import trial_batches
from vladser.engine.design import Design
from vladser.engine.events import Step
from vladser.engine.trial_batches import TrialBatch
from vladser.features import elsewhere
from vladser.features.audio import BadAudio
from vladser.features.elsewhere import Recording

_PAUSE = 1.0  # seconds between two messages about steps


class Worker:
    """Keeps data and compiled programs from one job to the next."""

    def __init__(self, cores: int, cache_dir: Path, deterministic: bool):
        environment.settle()
        # No more threads than the cores that are its own: others may work beside it.
        os.environ.setdefault("PJRT_NPROC", f"{cores}")
        backend.prepare(cores, cache_dir / "xla", deterministic)
        self._cores, self._asked = cores, False
        self._design: tuple[str, Design] | None = None

    def about(self) -> Machine:
        """Returns what machine this is; raises InputError where jax finds no device."""
        backend.check()
        return provenance.machine()

    def stop(self) -> None:
        """Ends training after a last checkpoint."""
        self._asked = True

    def train(
        self,
        shared: Sequence[Any],
        most: int | None,
        models: bool,
        batch: TrialBatch,
        resume: Resume | None,
        minutes: float,
    ) -> Iterator[News]:
        """Trains a batch of a design, as it is where it is resumed, else cut to what
        fits here; see `working.work`."""
        (reference,) = shared
        if not self._design or self._design[0] != reference.hex():
            self._design = reference.hex(), ray.get(reference)
        _, design = self._design
        batches = [batch] if resume else trial_batches.cut(design, batch, most)
        how = minutes, lambda: self._asked, models
        told = 0.0
        for news in working.work(
            design, batches, lambda own: resume if own is batch else None, *how
        ):
            if not isinstance(news.event, Step):
                yield news
            elif time.monotonic() - told > _PAUSE:
                told = time.monotonic()
                yield news

    def extract(
        self, features: Features, max_seconds: float, recordings: list[Recording]
    ) -> Iterator[tuple[str, bytes | BadAudio]]:
        """Extracts features of recordings; see `elsewhere.answer`."""
        with TemporaryDirectory() as folder:
            how = Path(folder), features, max_seconds, self._cores
            yield from elsewhere.answer(recordings, *how)
