"""Training as it is seen: progress, metrics.jsonl and the figures of a run."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import launch
from launch import finished, lines, terminal
from launch.cluster import Cluster
from launch.finished import Figures
from launch.flags import Settings
from vladser import chunks, merging
from vladser.batches import Plan
from vladser.chunks import Chunk
from vladser.experiment import Compiled, Epoch, Outcome, Step
from vladser.merging import Results
from vladser.types import Condition, Dataset


def fits(
    settings: Settings, corpus: Dataset, conditions: Sequence[Condition], plan: Plan
) -> Callable[[Chunk], bool]:
    """What a chunk may be, by the flags or else by the memory, see `chunks.cut`."""
    if settings.trials_per_chunk:
        return chunks.at_most(settings.trials_per_chunk)
    return chunks.in_memory(corpus, plan, conditions)


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
      folder: the run directory, if it is this process's. Chunks that are finished there
        are not trained again; the others are kept there as they finish, and lines of
        metrics as the epochs end.
    """
    may = fits(settings, corpus, conditions, plan)
    mine = chunks.cut(plan, conditions, may, cluster.process, cluster.processes)
    parts, todo, total, start = [], [], Figures(), 0.0
    for chunk in mine:
        if folder and (kept := finished.read(folder, chunk)):
            parts.append((chunk, kept[0]))
            total += kept[1]
        else:
            todo.append(chunk)
    if parts:
        terminal.say(f"{len(parts)} of {len(mine)} chunks of trials were finished")
    log = folder / "metrics.jsonl" if folder else Path(os.devnull)
    to_do = sum(_frames(plan, chunk) for chunk in todo)
    figures, epochs = Figures(), []
    with (
        terminal.bar("training", to_do, "frame", scale=True) as bar,
        log.open("w", encoding="utf-8") as written,
    ):
        for chunk, event in chunks.run(
            corpus,
            conditions,
            plan,
            todo,
            standardize=settings.standardize,
            validation=settings.validation == "partner",
        ):
            match event:
                case Compiled():
                    figures.compiling += event.seconds
                    # The bar's rate and time left are those of training alone.
                    bar.unpause()
                case Step():
                    cluster.check()
                    start = start or time.perf_counter() - launch.STARTED
                    figures.frames += event.frames
                    figures.computed += event.computed
                    progress = f"epoch {event.epoch}/{plan.epochs}"
                    if len(mine) > 1:
                        progress = f"chunk {len(parts) + 1}/{len(mine)}, {progress}"
                    bar.set_description(progress, refresh=False)
                    bar.update(event.frames)
                case Epoch():
                    figures.training += event.seconds
                    bar.set_postfix(loss=f"{event.loss.mean():.3f}", refresh=False)
                    epochs.append(event)
                    curves = merging.curves(chunk, event)
                    written.writelines(
                        lines.of_epoch(conditions, plan, chunk, event.epoch, *curves)
                    )
                    written.flush()
                case Outcome():
                    results = merging.of_chunk(chunk, epochs, event)
                    if folder:
                        finished.keep(folder, chunk, results, figures)
                    parts.append((chunk, results))
                    total += figures
                    figures, epochs = Figures(), []
    return Trained(parts, total, start)


def summary(cluster: Cluster, trained: Trained) -> dict[str, float]:
    """The `training` of summary.json: all processes together, the slowest's seconds."""
    own = asdict(trained.figures) | {"start": trained.start}
    counted = [json.loads(one) for one in cluster.exchange("figures", json.dumps(own))]
    of = {name: [one[name] for one in counted] for name in own}
    frames, computed = sum(of["frames"]), sum(of["computed"])
    return {
        "real_frames_per_second": round(frames / max(of["training"])),
        "padding_efficiency": round(frames / computed, 4),
        "start_seconds": round(max(of["start"]), 2),
        "compile_seconds": round(max(of["compiling"]), 2),
        "train_seconds": round(max(of["training"]), 2),
    }


def _frames(plan: Plan, chunk: Chunk) -> int:
    """Real frames of all live training rows of a chunk."""
    part = plan.part(chunk.seeds, chunk.folds)
    return part.training_frames() * plan.epochs * len(chunk.conditions)
