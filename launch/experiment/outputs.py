"""The results of an experiment: the files that process 0 writes when all is trained."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from launch.command_line.flags import Settings
from launch.experiment import digests, lines, run_dir
from vladser.condition import Condition
from vladser.data.batches import Plan
from vladser.engine.merging import Results
from vladser.evaluation import comparisons, results
from vladser.evaluation.results import Tested
from vladser.plots import confusion
from vladser.types import Dataset


def write(
    settings: Settings,
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: Plan,
    found: Results,
    skipped: Mapping[str, str],
    training: Mapping[str, float],
) -> dict[str, Any]:
    """Writes predictions.csv, metrics.jsonl, confusion.png (of one condition),
    clusters.jsonl (if there is NetVLAD), summary.json and, at last, SHA256SUMS.

    Args:
      skipped: the reason by utterance.
      training: the figures of the training.

    Returns:
      What summary.json holds.

    Raises:
      InputError: a file cannot be written.
    """
    folder, failed = settings.run_dir, np.any(found.failed, axis=(2, 3))
    every = [
        Tested(corpus, condition, plan.folds, plan.seeds, found.probabilities[:, c])
        for c, condition in enumerate(conditions)
    ]
    # Of a condition whose trial failed, the seeds count whose trials all did not.
    whole = [of.of_seeds(~failed[:, c]) for c, of in enumerate(every)]
    whole = [of for of in whole if of.seeds]
    of_conditions = [results.summary(one) for one in whole]
    summary = {
        "format": 1,
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "emotions": list(corpus.emotions),
        "conditions": of_conditions,
        "comparisons": list(_comparisons(whole)),
        "skipped": [
            {"utterance": name, "reason": reason} for name, reason in skipped.items()
        ],
        "failed": list(lines.failed(conditions, plan, found)),
        "training": training,
    }
    rows = chain.from_iterable(map(results.predictions, every))
    run_dir.write_csv(folder / "predictions.csv", results.header(corpus), rows)
    of_epochs = lines.metrics(conditions, plan, found)
    run_dir.write_lines(folder / "metrics.jsonl", of_epochs)
    if found.assignment.size:
        of_clusters = lines.clusters(corpus, conditions, plan, found)
        run_dir.write_lines(folder / "clusters.jsonl", of_clusters)
    if len(of_conditions) == len(conditions) == 1:
        _write_confusion(folder / "confusion.png", summary)
    run_dir.write_json(folder / "summary.json", summary)
    digests.write(folder)
    return summary


def _comparisons(tested: Sequence[Tested]) -> Iterator[dict[str, Any]]:
    """The families of conditions, over the seeds that all of them have."""
    seeds = set.intersection(*(set(of.seeds) for of in tested)) if tested else set()
    if not seeds:
        return
    ua = {}
    for of in tested:
        common = of.of_seeds(np.isin(of.seeds, list(seeds)))
        # The speakers of all are the same, in one order.
        speakers = results.summary(common)["speakers"]
        ua[of.condition] = np.array([speaker["ua"] for speaker in speakers])
    for family in comparisons.families(list(ua)):
        yield comparisons.compare(ua, family)


def _write_confusion(path: Path, summary: dict[str, Any]) -> None:
    (condition,) = summary["conditions"]
    title = f"{summary['corpus']}: {condition['name']}"
    matrix, emotions = condition["confusion"], summary["emotions"]
    run_dir.write_png(path, confusion.draw(matrix, emotions, title))
