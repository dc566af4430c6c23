"""Trains a process's batches of trials, with progress, checkpoints and figures."""

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from tqdm import tqdm

from launch.command_line import STARTED, stopping
from launch.command_line.flags import Settings
from launch.experiment import outputs
from launch.experiment.checkpoints import Checkpoints, Figures, Finished
from launch.experiment.distributed import Processes
from launch.output import terminal
from vladser import files
from vladser.engine import experiment, trial_batches
from vladser.engine.design import Design
from vladser.engine.events import Checkpoint, Compiled, Epoch, Outcome, Step
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import MemoryShort
from vladser.evaluation import netvlad_clusters


def train(
    settings: Settings, design: Design, processes: Processes, folder: Path | None
) -> tuple[list[Finished], dict[str, float]]:
    """Trains and tests the trials of this process.

    Args:
      folder: the run directory, if it is this process's: training resumes from its
        checkpoints, writes more, and appends to metrics.jsonl as epochs end.

    Returns:
      The batches of this process, and `training` of summary.json, of all processes.

    Raises:
      Stopped: the process was told to stop; a checkpoint is kept.
      MemoryShort: the devices have no memory for one trial alone.
    """
    dealt = trial_batches.cut(design, settings.trials_at_once, processes.count)
    mine = dealt[processes.process]
    kept = Checkpoints(folder and folder / "checkpoints")
    finished = kept.finished()
    done = [one.batch for one in finished]
    todo = deque(piece for b in mine for piece in trial_batches.missing(done, b))
    if finished:
        trials = sum(batch.trials for batch in mine)
        left = sum(batch.trials for batch in todo)
        terminal.say(f"{trials - left:,} of {trials:,} trainings were finished")
    log = folder and folder / "metrics.jsonl"
    if log:
        files.write_text(log, "")
        if todo:
            terminal.say("compiling the training programs ...")
    frames = 0  # real ones of all live training rows
    for seeds, conditions, folds in todo:
        plan = design.plan(conditions[0]).only(seeds, folds)
        frames += plan.training_frames() * plan.epochs * len(conditions)
    with terminal.bar("training", frames, "frame", scale=True) as bar:
        trainer = Trainer(settings, design, processes, kept, bar, log)
        while todo:
            batch, shown = todo.popleft(), bar.n
            if todo or finished:
                number, last = len(finished) + 1, len(finished) + len(todo) + 1
                trainer.name = f"batch {number}/{last}, "

            def finish(outcome: Outcome, figures: Figures, batch=batch) -> None:
                results = outcome.results
                if not netvlad_clusters.applies(design.conditions[batch.conditions[0]]):
                    results = results._replace(params=[])
                finished.append(Finished(batch, results, figures))
                kept.keep(finished[-1])

            try:
                trainer.train(batch, finish)
            except MemoryShort:
                if batch.trials == 1:
                    raise
                terminal.say(
                    f"the device has no memory for {batch.trials} trials at once: "
                    "going on with half as many"
                )
                terminal.move(bar, shown - bar.n)
                todo.extendleft(reversed(trial_batches.pieces(batch, 2)))
    kept.clear()
    return finished, _summary(processes, finished)


@dataclass
class Trainer:
    """Trains batches, and keeps checkpoints."""

    settings: Settings
    design: Design
    processes: Processes
    kept: Checkpoints
    bar: tqdm
    log: Path | None  # metrics.jsonl
    name: str = ""  # of the batch, in the progress bar
    start: float = 0.0  # see `Figures`

    def train(
        self, batch: TrialBatch, finish: Callable[[Outcome, Figures], object]
    ) -> None:
        """Trains and tests a batch, from its last checkpoint on if there is one.

        Args:
          finish: takes the outcome, even if the process is told to stop meanwhile, and
            the figures of the batch, checkpoints included.

        Raises:
          Stopped: the process was told to stop; a checkpoint is kept.
          MemoryShort: the devices have no memory for so many trials.
        """
        resume, figures = self.kept.latest(batch) or (None, Figures())
        terminal.move(self.bar, figures.frames)
        saved = time.monotonic()
        epochs = self.design.conditions[batch.conditions[0]].epochs

        def due() -> bool:
            minutes = (time.monotonic() - saved) / 60
            return stopping.asked() or minutes >= self.settings.checkpoint_minutes

        with stopping.deferred(), trial_batches.fitting(self.design, batch):
            for event in experiment.run(self.design, batch, due=due, resume=resume):
                match event:
                    case Compiled():
                        figures.compiling += event.seconds
                        # The bar's rate and time left are those of training alone.
                        self.bar.unpause()
                    case Step():
                        self.processes.check()
                        self.start = self.start or time.perf_counter() - STARTED
                        figures.start = self.start
                        figures.frames += event.frames
                        figures.computed += event.computed
                        figures.training += event.seconds
                        epoch = f"{self.name}epoch {event.epoch}/{epochs}"
                        self.bar.set_description(epoch, refresh=False)
                        self.bar.update(event.frames)
                    case Epoch():
                        self._log(batch, event)
                    case Checkpoint():
                        begin = time.monotonic()
                        self.kept.save(batch, event, figures)
                        saved = time.monotonic()
                        figures.keeping += saved - begin
                        if stopping.asked():
                            break
                    case Outcome():
                        finish(event, figures)

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


def _summary(processes: Processes, finished: Sequence[Finished]) -> dict[str, float]:
    """Returns sums of frames, and the seconds of the slowest process."""
    mine, names = [one.figures for one in finished], [f.name for f in fields(Figures)]
    own = {name: sum(getattr(one, name) for one in mine) for name in names}
    own["start"] = max((one.start for one in mine), default=0)
    each = [*map(json.loads, processes.exchange("figures", json.dumps(own)))]
    of = {name: [figures[name] for figures in each] for name in own}
    frames, computed = sum(of["frames"]), sum(of["computed"])
    return {
        "real_frames_per_second": round(frames / max(max(of["training"]), 1e-9)),
        "padding_efficiency": round(frames / max(computed, 1), 4),
        "start_seconds": round(max(of["start"]), 2),
        "compile_seconds": round(max(of["compiling"]), 2),
        "train_seconds": round(max(of["training"]), 2),
        "checkpoint_seconds": round(max(of["keeping"]), 2),
    }
