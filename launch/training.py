"""The part of an experiment that needs jax: from features to the run directory."""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from launch import cli, flags, loop, run_dir, terminal
from launch.cluster import Cluster
from launch.flags import Settings
from vladser import batches, dataset, folds, merging, plots, results
from vladser.batches import Plan
from vladser.features import Extraction
from vladser.results import Tested
from vladser.types import Dataset, Fold, Utterance


def run(
    settings: Settings,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    extraction: Extraction,
    cluster: Cluster,
) -> str | None:
    """Trains, tests and, in process 0, fills the run directory.

    Returns:
      The table of results; None in the other processes.

    Raises:
      InputError: the processes differ in their data, or run_dir cannot be filled.
      TrainingError: a training diverges.
      PeerError: another process has failed.
    """
    corpus = dataset.build(
        utterances, extraction.features, classes, extraction.feature_set
    )
    schedule, digest = plan(settings, corpus), dataset.digest(corpus)
    count = terminal.number(len(corpus.label), "utterance")
    cluster.agree("data", [f"{count}, digest {digest[:16]}"])
    conditions = [flags.condition(settings)]
    log = Path(os.devnull)
    if cluster.process == 0:
        _begin(settings, corpus, schedule, digest)
        log = settings.run_dir / "metrics.jsonl"

    parts, counted = loop.train(settings, corpus, conditions, schedule, cluster, log)
    figures = loop.summary(cluster, counted)
    if cluster.process:
        cluster.send(merging.pack(*part) for part in parts)
        return None
    parts += map(merging.unpack, cluster.receive())
    whole = merging.merge(parts, schedule, conditions)

    tested = [
        Tested(corpus, condition, schedule.folds, schedule.seeds, probabilities)
        for condition, probabilities in zip(
            conditions, np.moveaxis(whole.probabilities, 1, 0), strict=True
        )
    ]
    summary = {
        "format": 1,
        "corpus": settings.corpus,
        "emotions": list(corpus.emotions),
        "conditions": [results.summary(one) for one in tested],
        "skipped": [
            {"utterance": name, "reason": reason}
            for name, reason in extraction.bad.items()
        ],
        "failed": [],
        "training": figures,
    }
    lines = loop.metrics(conditions, schedule, whole)
    run_dir.write_text(log, "".join(lines))
    _write(settings.run_dir, tested, summary)
    terminal.say(
        f"trained in {figures['train_seconds']:.1f} s; "
        f"the first step was done {figures['start_seconds']:.1f} s after the start"
    )
    partial = [
        fold.held_out
        for fold in schedule.folds
        if len(np.unique(corpus.label[fold.test])) < len(classes)
    ]
    table = terminal.results(summary, partial)
    return f"{table}\n\nresults are in {settings.run_dir}"


def _begin(settings: Settings, corpus: Dataset, schedule: Plan, digest: str) -> None:
    """Makes the run directory, with what is known before the training."""
    if left_out := len(corpus.label) - len(_used(schedule.folds)):
        terminal.say(
            f"note: {terminal.number(left_out, 'utterance')} in no training or test set"
        )
    folder = settings.run_dir
    run_dir.claim(folder, flags.flags_text(settings))
    run_dir.write_json(folder / "environment.json", run_dir.environment())
    description = _describe(settings.corpus, corpus, digest)
    run_dir.write_json(folder / "dataset.json", description)
    terminal.say("compiling the training programs ...")


def _write(folder: Path, tested: Sequence[Tested], summary: dict[str, Any]) -> None:
    """The results: predictions.csv, summary.json, confusion.png."""
    corpus = tested[0].corpus
    rows = chain.from_iterable(map(results.predictions, tested))
    run_dir.write_csv(folder / "predictions.csv", results.header(corpus), rows)
    run_dir.write_json(folder / "summary.json", summary)
    condition = summary["conditions"][0]
    title = f"{summary['corpus']}: {condition['name']}"
    figure = plots.confusion(condition["confusion"], corpus.emotions, title)
    run_dir.write_png(folder / "confusion.png", figure)


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


def plan(settings: Settings, corpus: Dataset) -> Plan:
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


def _describe(name: str, corpus: Dataset, digest: str) -> dict[str, Any]:
    """What dataset.json says."""
    counts = Counter(zip(corpus.speaker.tolist(), corpus.label.tolist(), strict=True))
    return {
        "corpus": name,
        "utterances": len(corpus.utterances),
        "frames": int(corpus.length.sum()),
        "feature_set": corpus.feature_set,
        "features": corpus.frames.shape[1],
        "digest": digest,
        "speakers": {
            speaker: {
                emotion: counts[s, e] for e, emotion in enumerate(corpus.emotions)
            }
            for s, speaker in enumerate(corpus.speakers)
        },
    }
