"""Trains a process's batches of trials, one after another: progress, metrics.jsonl,
checkpoints, and the figures of the training."""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

import launch
from launch.command_line import stopping
from launch.command_line.flags import Settings
from launch.experiment import lines, run_dir, terminal
from launch.experiment.checkpoints import Checkpoints, Figures, Finished
from launch.experiment.distributed import Cluster
from vladser import files
from vladser.engine import experiment, results, trial_batches
from vladser.engine.design import Design
from vladser.engine.events import Checkpoint, Compiled, Epoch, Outcome, Step
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation import netvlad_clusters


@dataclass
class Trained:
    """A process's part of an experiment."""

    parts: list[Finished]
    figures: Figures
    start: float  # seconds from the start of the program to the end of its first step


def train(
    settings: Settings, design: Design, cluster: Cluster, folder: Path | None
) -> Trained:
    """Trains and tests this process's part of the experiment.

    Args:
      settings: of the run.
      design: the experiment.
      cluster: the processes that share it.
      folder: the run directory, if it is this process's: training goes on from what is
        kept there, and more is kept; metrics.jsonl grows as the epochs end.

    Raises:
      Stopped: the process was told to stop; what is under way is kept.
    """
    dealt = trial_batches.cut(design, settings.trials_at_once, cluster.processes)
    mine, kept = dealt[cluster.process], Checkpoints(folder and folder / "checkpoints")
    parts = kept.finished()
    done = [part.batch for part in parts]
    todo = deque(piece for b in mine for piece in trial_batches.missing(done, b))
    if parts:
        trials = sum(batch.trials for batch in mine)
        left = sum(batch.trials for batch in todo)
        terminal.say(f"{trials - left:,} of {trials:,} trainings were finished")
    log = folder and folder / "metrics.jsonl"
    if log:
        files.write_text(log, "")
    total = sum((part.figures for part in parts), Figures())
    frames = sum(_frames(design, batch) for batch in todo)
    with terminal.bar("training", frames, "frame", scale=True) as bar:
        trainer = Trainer(settings, design, cluster, kept, bar, log)
        while todo:
            batch = todo.popleft()
            if len(todo) or len(parts):
                trainer.name = f"batch {len(parts) + 1}/{len(parts) + len(todo) + 1}, "

            def finish(outcome: Outcome, figures: Figures, batch=batch) -> None:
                first = design.conditions[batch.conditions[0]]
                keep = netvlad_clusters.applies(first)
                of_batch = results.of_batch(batch, outcome, keep)
                parts.append(Finished(batch, of_batch, figures))
                kept.keep(parts[-1])

            try:
                total += trainer.train(batch, finish)
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error) or batch.trials == 1:
                    raise
                terminal.say(
                    f"the device has no memory for {batch.trials} trials at once: "
                    "going on with half as many"
                )
                todo.extendleft(reversed(trial_batches.pieces(batch, 2)))
    kept.clear()
    return Trained(parts, total, trainer.start)


@dataclass
class Trainer:
    """Trains batches, and keeps what a process that is stopped needs to go on."""

    settings: Settings
    design: Design
    cluster: Cluster
    kept: Checkpoints
    bar: tqdm
    log: Path | None  # metrics.jsonl
    name: str = ""  # of the batch, in the progress bar
    start: float = 0.0  # from the start of the program to the end of its first step

    def train(
        self, batch: TrialBatch, finish: Callable[[Outcome, Figures], object]
    ) -> Figures:
        """Trains and tests a batch, from its last checkpoint on if there is one.

        Args:
          batch: its trials.
          finish: takes the outcome, which a signal to stop cannot take away from it.

        Returns:
          What was counted.

        Raises:
          Stopped: the process was told to stop; a checkpoint is kept.
          jax.errors.JaxRuntimeError: among other reasons, the memory is exhausted.
        """
        resume, figures = self.kept.latest(batch) or (None, Figures())
        figures, saved = replace(figures), time.monotonic()
        epochs = self.design.conditions[batch.conditions[0]].epochs

        def due() -> bool:
            minutes = (time.monotonic() - saved) / 60
            return stopping.asked() or minutes >= self.settings.checkpoint_minutes

        with stopping.deferred():
            for event in experiment.run(self.design, batch, due=due, resume=resume):
                match event:
                    case Compiled():
                        figures.compiling += event.seconds
                        # The bar's rate and time left are those of training alone.
                        self.bar.unpause()
                    case Step():
                        self._progress(event, figures, epochs)
                    case Epoch():
                        self._log(batch, event)
                    case Checkpoint():
                        begin = time.monotonic()
                        self.kept.save(batch, event, figures)
                        saved = time.monotonic()
                        figures.keeping += saved - begin
                        if stopping.asked():
                            stopping.now()
                    case Outcome():
                        finish(event, figures)
        return figures

    def _progress(self, step: Step, figures: Figures, epochs: int) -> None:
        self.cluster.check()
        self.start = self.start or time.perf_counter() - launch.STARTED
        figures.frames += step.frames
        figures.computed += step.computed
        figures.training += step.seconds
        epoch = f"{self.name}epoch {step.epoch}/{epochs}"
        self.bar.set_description(epoch, refresh=False)
        self.bar.update(step.frames)

    def _log(self, batch: TrialBatch, epoch: Epoch) -> None:
        if (fine := np.isfinite(epoch.loss)).any():
            loss = f"{epoch.loss[fine].mean():.3f}"
            self.bar.set_postfix(loss=loss, refresh=False)
        if not self.log:
            return
        axes = tuple(map(len, batch))
        curves = epoch.loss.reshape(axes), epoch.validation_ua.reshape(axes)
        said = lines.of_epoch(self.design, batch, epoch.epoch, *curves)
        run_dir.append_lines(self.log, said)


def summary(cluster: Cluster, trained: Trained) -> dict[str, float]:
    """Returns the `training` of summary.json: all processes together, the slowest's
    seconds."""
    own = asdict(trained.figures) | {"start": trained.start}
    counted = [json.loads(one) for one in cluster.exchange("figures", json.dumps(own))]
    of = {name: [one[name] for one in counted] for name in own}
    frames, computed = sum(of["frames"]), sum(of["computed"])
    return {
        "real_frames_per_second": round(frames / max(max(of["training"]), 1e-9)),
        "padding_efficiency": round(frames / max(computed, 1), 4),
        "start_seconds": round(max(of["start"]), 2),
        "compile_seconds": round(max(of["compiling"]), 2),
        "train_seconds": round(max(of["training"]), 2),
        "checkpoint_seconds": round(max(of["keeping"]), 2),
    }


def _frames(design: Design, batch: TrialBatch) -> int:
    """Real frames of all live training rows of a batch."""
    plan = design.plan(batch.conditions[0]).part(batch.seeds, batch.folds)
    return plan.training_frames() * plan.epochs * len(batch.conditions)
