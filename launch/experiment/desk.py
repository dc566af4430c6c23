"""Where the news of all batches arrive: progress, curves, checkpoints, results."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from launch.command_line import STARTED
from launch.experiment import checkpoints, outputs
from launch.experiment.checkpoints import Checkpoints, Figures
from launch.experiment.working import News
from launch.output import terminal
from launch.output.provenance import Machine
from vladser import files
from vladser.engine import trial_batches
from vladser.engine.design import Design
from vladser.engine.events import Checkpoint, Compiled, Epoch, Outcome, Step
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import MemoryShort


@dataclass
class Desk:
    """Takes in what happens in an experiment, wherever its batches are trained.

    Attributes:
      design: the experiment.
      kept: the checkpoints.
      done: the batches that have finished.
      finish: takes a batch that has finished, what came of it, its figures and the
        machine that trained it.
      log: metrics.jsonl, to which lines are appended as epochs end.
      bar: of frames; without one nothing is shown.
    """

    design: Design
    kept: Checkpoints
    done: list[TrialBatch]
    finish: Callable[[TrialBatch, Outcome | Results, Figures, Machine], object]
    log: Path | None = None
    bar: tqdm = field(default_factory=lambda: tqdm(disable=True))
    _trained: int = field(init=False)  # trials
    _start: float = field(default=0.0, init=False)  # see `Figures`
    # Under way: the batches by name, and their frames that the bar counts.
    _shown: dict[str, tuple[TrialBatch, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._trained = sum(batch.trials for batch in self.done)

    def pending(self, given: Sequence[TrialBatch] = ()) -> list[TrialBatch]:
        """Returns the trials that are neither done nor given out: batches that have a
        checkpoint, to be trained as they are, then all others, which may be cut."""
        taken, found = [*self.done, *given], list[TrialBatch]()
        for batch in self.kept.begun:
            if trial_batches.missing([*taken, *found], batch) == [batch]:
                found.append(batch)
        for batch in trial_batches.programs(self.design):
            found += trial_batches.missing([*taken, *found], batch)
        return found

    def take(self, news: News, machine: Machine) -> None:
        """Takes in what happened in a batch that a machine trains."""
        batch, event, figures = news
        name = checkpoints.name(batch)
        _, shown = self._shown.get(name, (batch, 0))
        if isinstance(event, MemoryShort):
            self.lose(batch)
            self.kept.remove(batch)
            terminal.say(
                f"the device has no memory for {batch.trials} trials at once: "
                "going on with half as many"
            )
            return
        self._shown[name] = batch, figures.frames
        match event:
            case Compiled():
                terminal.move(self.bar, figures.frames - shown)
                # The bar's rate and time left are those of training alone.
                self.bar.unpause()
            case Step():
                self._start = self._start or time.perf_counter() - STARTED
                self._describe(batch, event.epoch)
                self.bar.update(figures.frames - shown)
            case Epoch():
                self._log(batch, event)
            case Checkpoint():
                self.kept.save(batch, event, figures)
            case Outcome() | Results():
                self.bar.update(figures.frames - shown)
                del self._shown[name]
                figures = replace(figures, start=self._start)
                self.finish(batch, event, figures, machine)
                self.done.append(batch)
                self._trained += batch.trials

    def lose(self, whole: TrialBatch) -> None:
        """Takes back what the bar counts of batches in a larger one: they end here, and
        may go on from their checkpoints."""
        for name, (batch, shown) in [*self._shown.items()]:
            if not trial_batches.missing([whole], batch):
                terminal.move(self.bar, -shown)
                del self._shown[name]

    def _describe(self, batch: TrialBatch, epoch: int) -> None:
        trials = math.prod(self.design.shape)
        done = self._trained
        said = f"{done:,}/{trials:,} trained, " if done or len(self._shown) > 1 else ""
        if len(self._shown) == 1:
            epochs = self.design.conditions[batch.conditions[0]].epochs
            said += f"epoch {epoch}/{epochs}"
        self.bar.set_description(said, refresh=False)

    def _log(self, batch: TrialBatch, epoch: Epoch) -> None:
        if (fine := np.isfinite(epoch.loss)).any():
            loss = f"{epoch.loss[fine].mean():.3f}"
            self.bar.set_postfix(loss=loss, refresh=False)
        if not self.log:
            return
        axes = tuple(map(len, batch))
        curves = epoch.loss.reshape(axes), epoch.validation_ua.reshape(axes)
        lines = outputs.epoch_lines(self.design, batch, epoch.epoch, *curves)
        try:
            with self.log.open("a", **files.TEXT) as file:
                file.writelines(lines)
        except OSError as error:
            raise files.unwritable(self.log, error) from None
