"""One chunk of trials as it is trained: progress, metrics.jsonl, checkpoints."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

import launch
from launch.command_line import stopping
from launch.command_line.flags import Settings
from launch.experiment import lines, run_dir
from launch.experiment.checkpoints import Checkpoints, Figures
from launch.experiment.distributed import Cluster
from vladser.condition import Condition
from vladser.data.batches import Plan
from vladser.engine import trial_batches
from vladser.engine.events import Compiled, Epoch, Outcome, Step
from vladser.engine.snapshot import Snapshot
from vladser.engine.trial_batches import Chunk
from vladser.types import Dataset


@dataclass
class Work:
    """What the chunks of a process have in common."""

    settings: Settings
    corpus: Dataset
    conditions: Sequence[Condition]
    plan: Plan
    cluster: Cluster
    kept: Checkpoints
    bar: tqdm
    log: Path | None  # metrics.jsonl
    name: str = ""  # of the chunk, in the progress bar
    start: float = 0.0  # from the start of the program to the end of its first step

    def train(
        self, chunk: Chunk, keep: Callable[[Outcome, Figures], object]
    ) -> Figures:
        """Trains and tests a chunk, from its last snapshot on if there is one.

        Args:
          keep: takes what came out, which is then safe from a signal to stop.

        Raises:
          Stopped: the process was told to stop; a snapshot is kept.
          jax.errors.JaxRuntimeError: among other reasons, the memory is exhausted.
        """
        resume, figures = self.kept.latest(chunk) or (None, Figures())
        figures, saved = replace(figures), time.monotonic()

        def due() -> bool:
            minutes = (time.monotonic() - saved) / 60
            return stopping.asked() or minutes >= self.settings.checkpoint_minutes

        with stopping.deferred():
            for event in trial_batches.run(
                self.corpus,
                self.conditions,
                self.plan,
                chunk,
                standardize=self.settings.standardize,
                validation=self.settings.validation == "partner",
                due=due,
                resume=resume,
            ):
                match event:
                    case Compiled():
                        figures.compiling += event.seconds
                        # The bar's rate and time left are those of training alone.
                        self.bar.unpause()
                    case Step():
                        self._progress(event, figures)
                    case Snapshot():
                        begin = time.monotonic()
                        self.kept.save(chunk, event, figures)
                        saved = time.monotonic()
                        figures.keeping += saved - begin
                        if stopping.asked():
                            stopping.now()
                    case Epoch():
                        self._log(chunk, event)
                    case Outcome():
                        keep(event, figures)
        return figures

    def _progress(self, step: Step, figures: Figures) -> None:
        self.cluster.check()
        self.start = self.start or time.perf_counter() - launch.STARTED
        figures.frames += step.frames
        figures.computed += step.computed
        figures.training += step.seconds
        epoch = f"{self.name}epoch {step.epoch}/{self.plan.epochs}"
        self.bar.set_description(epoch, refresh=False)
        self.bar.update(step.frames)

    def _log(self, chunk: Chunk, epoch: Epoch) -> None:
        if (fine := np.isfinite(epoch.loss)).any():
            loss = f"{epoch.loss[fine].mean():.3f}"
            self.bar.set_postfix(loss=loss, refresh=False)
        if not self.log:
            return
        axes = tuple(map(len, chunk))
        curves = epoch.loss.reshape(axes), epoch.validation_ua.reshape(axes)
        said = lines.of_epoch(self.conditions, self.plan, chunk, epoch.epoch, *curves)
        run_dir.append_lines(self.log, said)
