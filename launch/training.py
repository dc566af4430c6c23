"""The part of an experiment that needs jax: from features to the run directory."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launch import cli, flags, run_dir, terminal
from launch.flags import Settings
from vladser import batches, dataset, experiment, folds, plots, results
from vladser.experiment import Compiled, Epoch, Outcome, Step
from vladser.features import Extraction
from vladser.types import Dataset, Fold, Utterance


def run(
    settings: Settings,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    extraction: Extraction,
) -> str:
    """Trains, tests and fills the run directory.

    Returns:
      The table of results.
    """
    corpus = dataset.build(
        utterances, extraction.features, classes, extraction.feature_set
    )
    schedule = plan(settings, corpus)
    if left_out := len(corpus.label) - len(_used(schedule.folds)):
        terminal.say(
            f"note: {terminal.number(left_out, 'utterance')} in no training or test set"
        )
    folder = settings.run_dir
    run_dir.claim(folder, flags.flags_text(settings))
    run_dir.write_json(folder / "environment.json", run_dir.environment())
    run_dir.write_json(folder / "dataset.json", _describe(settings.corpus, corpus))

    condition = flags.condition(settings)
    outcome, figures = _train(settings, corpus, schedule, folder / "metrics.jsonl")
    tested = results.Tested(
        corpus, condition, schedule.folds, schedule.seeds, outcome.probabilities
    )
    summary = {
        "format": 1,
        "corpus": settings.corpus,
        "emotions": list(corpus.emotions),
        "conditions": [results.summary(tested)],
        "skipped": [
            {"utterance": name, "reason": reason}
            for name, reason in extraction.bad.items()
        ],
        "failed": [],
        "training": figures,
    }
    run_dir.write_csv(
        folder / "predictions.csv", results.header(corpus), results.predictions(tested)
    )
    run_dir.write_json(folder / "summary.json", summary)
    confusion = summary["conditions"][0]["confusion"]
    title = f"{settings.corpus}: {condition.name}"
    figure = plots.confusion(confusion, corpus.emotions, title)
    run_dir.write_png(folder / "confusion.png", figure)
    partial = [
        fold.held_out
        for fold in schedule.folds
        if len(np.unique(corpus.label[fold.test])) < len(classes)
    ]
    return f"{terminal.results(summary, partial)}\n\nresults are in {folder}"


def _used(made: Sequence[Fold]) -> set[int]:
    """The utterances that some fold trains or tests on."""
    return {
        int(row) for fold in made for part in (fold.train, fold.test) for row in part
    }


def check_protocol(
    settings: Settings, utterances: Sequence[Utterance], classes: Sequence[str]
) -> None:
    """Raises UsageError where the corpus does not allow the protocol: this needs no
    features, which can take long to extract."""
    frame = np.empty((1, 0), np.float32)
    without = {utterance.id: frame for utterance in utterances}
    _folds(settings, dataset.build(utterances, without, classes, "none"))


def plan(settings: Settings, corpus: Dataset) -> batches.Plan:
    """The schedule that the flags ask for.

    Raises:
      UsageError: the corpus does not allow the protocol.
    """
    made, seeds = _folds(settings, corpus), range(settings.seeds)
    return batches.plan(
        corpus.length, made, seeds, settings.epochs, settings.batch_size
    )


def _folds(settings: Settings, corpus: Dataset) -> list[Fold]:
    with cli.wrong_use():
        return folds.make(corpus, settings.hold_out, settings.validation)


def _train(
    settings: Settings, corpus: Dataset, schedule: batches.Plan, log: Path
) -> tuple[Outcome, dict[str, float]]:
    """Trains and tests; logs a line an epoch and trial, and shows progress.

    Returns:
      the outcome, and the figures of summary.json's `training`.
    """
    condition = flags.condition(settings)
    total = schedule.training_frames() * schedule.epochs
    frames = computed = compiling = seconds = 0
    outcome = None
    terminal.say("compiling the training programs ...")
    with (
        terminal.bar("training", total, "frame", scale=True) as bar,
        log.open("w", encoding="utf-8") as lines,
    ):
        for event in experiment.run(
            corpus,
            [condition],
            schedule,
            standardize=settings.standardize,
            validation=settings.validation == "partner",
        ):
            match event:
                case Compiled():
                    compiling = event.seconds
                    # The bar's rate and time left are those of training alone.
                    bar.start_t = bar.last_print_t = time.time()
                case Step():
                    progress = f"epoch {event.epoch}/{schedule.epochs}"
                    bar.set_description(progress, refresh=False)
                    frames += event.frames
                    computed += event.computed
                    bar.update(event.frames)
                case Epoch():
                    seconds += event.seconds
                    bar.set_postfix(loss=f"{event.loss.mean():.3f}", refresh=False)
                    for line in _metrics(condition.name, schedule, event):
                        lines.write(json.dumps(line, ensure_ascii=False) + "\n")
                    lines.flush()
                case Outcome():
                    outcome = event
    return outcome, {
        "real_frames_per_second": round(frames / seconds),
        "padding_efficiency": round(frames / computed, 4),
        "compile_seconds": round(compiling, 2),
        "train_seconds": round(seconds, 2),
    }


def _metrics(condition: str, schedule: batches.Plan, epoch: Epoch):
    for s, seed in enumerate(schedule.seeds):
        for f, fold in enumerate(schedule.folds):
            line = {
                "condition": condition,
                "seed": seed,
                "fold": fold.held_out,
                "epoch": epoch.epoch,
                "loss": float(epoch.loss[s, f]),
            }
            if epoch.validation_ua is not None:
                line["validation_ua"] = float(epoch.validation_ua[s, f])
            yield line


def _describe(name: str, corpus: Dataset) -> dict[str, Any]:
    """What dataset.json says."""
    counts = Counter(zip(corpus.speaker.tolist(), corpus.label.tolist(), strict=True))
    return {
        "corpus": name,
        "utterances": len(corpus.utterances),
        "frames": int(corpus.length.sum()),
        "feature_set": corpus.feature_set,
        "features": corpus.frames.shape[1],
        "digest": dataset.digest(corpus),
        "speakers": {
            speaker: {
                emotion: counts[s, e] for e, emotion in enumerate(corpus.emotions)
            }
            for s, speaker in enumerate(corpus.speakers)
        },
    }
