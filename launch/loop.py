"""Training as it is seen: progress, metrics.jsonl and the figures of a run."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import launch
from launch import terminal
from launch.cluster import Cluster
from launch.flags import Settings
from vladser import chunks, merging
from vladser.batches import Plan
from vladser.chunks import Chunk
from vladser.experiment import Compiled, Epoch, Outcome, Step
from vladser.merging import Results
from vladser.types import Condition, Dataset


@dataclass
class Figures:
    """What a process counts; in seconds of its clock."""

    frames: int = 0  # real ones of live training rows
    computed: int = 0  # padding included
    start: float = 0.0  # from the start of the program to the end of its first step
    compiling: float = 0.0
    training: float = 0.0


def fits(
    settings: Settings, corpus: Dataset, conditions: Sequence[Condition], plan: Plan
) -> Callable[[Chunk], bool]:
    """What a chunk may be, by the flags or else by the memory, see `chunks.cut`."""
    if settings.trials_per_chunk:
        return chunks.at_most(settings.trials_per_chunk)
    return chunks.in_memory(corpus, plan, conditions)


def train(
    settings: Settings,
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: Plan,
    cluster: Cluster,
    log: Path,
) -> tuple[list[tuple[Chunk, Results]], Figures]:
    """Trains and tests this process's part of the experiment.

    Args:
      log: gets lines of metrics as the epochs end.

    Returns:
      the chunks with their results.
    """
    may = fits(settings, corpus, conditions, plan)
    mine = chunks.cut(plan, conditions, may, cluster.process, cluster.processes)
    total = sum(_frames(plan, chunk) for chunk in mine)
    figures, results, epochs = Figures(), [], []
    with (
        terminal.bar("training", total, "frame", scale=True) as bar,
        log.open("w", encoding="utf-8") as lines,
    ):
        for chunk, event in chunks.run(
            corpus,
            conditions,
            plan,
            mine,
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
                    figures.start = (
                        figures.start or time.perf_counter() - launch.STARTED
                    )
                    figures.frames += event.frames
                    figures.computed += event.computed
                    progress = f"epoch {event.epoch}/{plan.epochs}"
                    if len(mine) > 1:
                        progress = f"chunk {len(results) + 1}/{len(mine)}, {progress}"
                    bar.set_description(progress, refresh=False)
                    bar.update(event.frames)
                case Epoch():
                    figures.training += event.seconds
                    bar.set_postfix(loss=f"{event.loss.mean():.3f}", refresh=False)
                    epochs.append(event)
                    curves = merging.curves(chunk, event)
                    of_epoch = _lines(conditions, plan, chunk, event.epoch, *curves)
                    lines.writelines(of_epoch)
                    lines.flush()
                case Outcome():
                    results.append((chunk, merging.of_chunk(chunk, epochs, event)))
                    epochs = []
    return results, figures


def metrics(
    conditions: Sequence[Condition], plan: Plan, results: Results
) -> Iterator[str]:
    """metrics.jsonl of the whole experiment: a line an epoch and trial."""
    everything = Chunk(*map(range, results.epoch.shape))
    for epoch in range(plan.epochs):
        curves = results.loss[..., epoch], results.validation_ua[..., epoch]
        yield from _lines(conditions, plan, everything, epoch + 1, *curves)


def _lines(
    conditions: Sequence[Condition],
    plan: Plan,
    chunk: Chunk,
    epoch: int,
    loss: np.ndarray,
    validation_ua: np.ndarray,
) -> Iterator[str]:
    """The lines of the trials of a chunk; loss and UA [seeds, conditions, folds]."""
    for c, condition in enumerate(chunk.conditions):
        for s, seed in enumerate(chunk.seeds):
            for f, fold in enumerate(chunk.folds):
                line = {
                    "condition": conditions[condition].name,
                    "seed": plan.seeds[seed],
                    "fold": plan.folds[fold].held_out,
                    "epoch": epoch,
                    "loss": float(loss[s, c, f]),
                }
                if not np.isnan(validation_ua[s, c, f]):
                    line["validation_ua"] = float(validation_ua[s, c, f])
                yield json.dumps(line, ensure_ascii=False) + "\n"


def summary(cluster: Cluster, figures: Figures) -> dict[str, float]:
    """The `training` of summary.json: all processes together, the slowest's seconds."""
    counted = cluster.exchange("figures", json.dumps(asdict(figures)))
    frames, computed, start, compiling, training = zip(
        *(json.loads(one).values() for one in counted), strict=True
    )
    return {
        "real_frames_per_second": round(sum(frames) / max(training)),
        "padding_efficiency": round(sum(frames) / sum(computed), 4),
        "start_seconds": round(max(start), 2),
        "compile_seconds": round(max(compiling), 2),
        "train_seconds": round(max(training), 2),
    }


def _frames(plan: Plan, chunk: Chunk) -> int:
    """Real frames of all live training rows of a chunk."""
    part = plan.part(chunk.seeds, chunk.folds)
    return part.training_frames() * plan.epochs * len(chunk.conditions)
