"""An experiment's chunks, one after another, and the figures of its training."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax

from launch.command_line.flags import Settings
from launch.experiment import terminal
from launch.experiment.checkpoints import Checkpoints, Figures
from launch.experiment.distributed import Cluster
from launch.experiment.work import Work
from vladser import files
from vladser.condition import Condition
from vladser.data.batches import Plan
from vladser.engine import merging, trial_batches
from vladser.engine.events import Outcome
from vladser.engine.merging import Results
from vladser.engine.trial_batches import Chunk
from vladser.types import Dataset


def fits(
    settings: Settings, corpus: Dataset, conditions: Sequence[Condition], plan: Plan
) -> Callable[[Chunk], bool]:
    """What a chunk may be, by flag or else by memory and time, see `chunks.cut`."""
    if settings.trials_per_chunk:
        return trial_batches.at_most(settings.trials_per_chunk)
    limits = (
        trial_batches.in_memory(corpus, plan, conditions),
        trial_batches.brief(plan),
    )
    return lambda chunk: all(fits(chunk) for fits in limits)


class Trained(NamedTuple):
    """A process's part of an experiment."""

    parts: list[tuple[Chunk, Results]]
    figures: Figures
    start: float  # seconds from the start of the program to the end of its first step


def train(
    settings: Settings,
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: Plan,
    cluster: Cluster,
    folder: Path | None,
) -> Trained:
    """Trains and tests this process's part of the experiment.

    Args:
      folder: the run directory, if it is this process's: it is gone on from what is
        kept there, and more is kept; metrics.jsonl grows as the epochs end.

    Raises:
      Stopped: the process was told to stop; what is under way is kept.
    """
    may = fits(settings, corpus, conditions, plan)
    mine = trial_batches.cut(plan, conditions, may, cluster.process, cluster.processes)
    kept = Checkpoints(folder and folder / "checkpoints")
    parts, todo, total = [], deque[Chunk](), Figures()
    for chunk in mine:
        done, figures, missing = kept.finished(chunk)
        parts += done
        total += figures
        todo += missing
    if parts:
        ready = sum(chunk.trials for chunk, _ in parts)
        trials = sum(chunk.trials for chunk in mine)
        terminal.say(f"{ready:,} of {trials:,} trainings were finished")
    log = folder and folder / "metrics.jsonl"
    if log:
        files.write_text(log, "")
    to_do = sum(_frames(plan, chunk) for chunk in todo)
    with terminal.bar("training", to_do, "frame", scale=True) as bar:
        work = Work(settings, corpus, conditions, plan, cluster, kept, bar, log)

        def keep(chunk: Chunk, outcome: Outcome, figures: Figures) -> None:
            results = merging.of_chunk(chunk, outcome)
            kept.keep(chunk, results, figures)
            parts.append((chunk, results))

        while todo:
            chunk = todo.popleft()
            if len(todo) or len(parts):
                work.name = f"chunk {len(parts) + 1}/{len(parts) + len(todo) + 1}, "
            try:
                total += work.train(chunk, partial(keep, chunk))
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error) or chunk.trials == 1:
                    raise
                terminal.say(
                    f"the device has no memory for {chunk.trials} trials at once: "
                    "going on with half as many"
                )
                todo.extendleft(reversed(trial_batches.halves(chunk)))
    kept.clear()
    return Trained(parts, total, work.start)


def summary(cluster: Cluster, trained: Trained) -> dict[str, float]:
    """The `training` of summary.json: all processes together, the slowest's seconds."""
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


def _frames(plan: Plan, chunk: Chunk) -> int:
    """Real frames of all live training rows of a chunk."""
    part = plan.part(chunk.seeds, chunk.folds)
    return part.training_frames() * plan.epochs * len(chunk.conditions)
