"""The results of an experiment: the files that process 0 writes when all is trained."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from launch.command_line.flags import Settings
from launch.experiment import digests, lines, run_dir
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.evaluation import comparisons
from vladser.evaluation.netvlad_clusters import Clusters
from vladser.evaluation.tested import Tested
from vladser.plots import confusion


def write(
    settings: Settings,
    design: Design,
    merged: Results,
    clusters: Mapping[int, Clusters],
    skipped: Mapping[str, str],
    training: Mapping[str, float],
) -> dict[str, Any]:
    """Writes predictions.csv, metrics.jsonl, confusion.png (of one condition),
    clusters.jsonl (if there is NetVLAD), summary.json and, at last, SHA256SUMS.

    Args:
      settings: of the run.
      design: the experiment.
      merged: the results of all trials.
      clusters: by the place of the condition.
      skipped: the reason by utterance.
      training: the figures of the training.

    Returns:
      What summary.json holds.

    Raises:
      InputError: a file cannot be written.
    """
    folder, failed = settings.run_dir, np.any(merged.failed, axis=(2, 3))
    names = design.names
    every = [
        Tested(
            design.datasets[c],
            condition,
            names[c],
            design.folds,
            design.seeds,
            [of_fold[:, c] for of_fold in merged.probabilities],
        )
        for c, condition in enumerate(design.conditions)
    ]
    # Of a condition whose trial failed, the seeds count whose trials all did not.
    whole = [tested.of_seeds(~failed[:, c]) for c, tested in enumerate(every)]
    whole = [tested for tested in whole if tested.seeds]
    conditions = [tested.summary() for tested in whole]
    summary = {
        "format": 1,
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "emotions": list(design.datasets[0].emotions),
        "conditions": conditions,
        "comparisons": list(_comparisons(whole)),
        "skipped": [
            {"utterance": name, "reason": reason} for name, reason in skipped.items()
        ],
        "failed": list(lines.failed(design, merged)),
        "training": training,
    }
    rows = chain.from_iterable(map(Tested.predictions, every))
    run_dir.write_csv(folder / "predictions.csv", every[0].header(), rows)
    run_dir.write_lines(folder / "metrics.jsonl", lines.metrics(design, merged))
    if clusters:
        of_clusters = lines.clusters(design, merged, clusters)
        run_dir.write_lines(folder / "clusters.jsonl", of_clusters)
    if len(conditions) == len(design.conditions) == 1:
        _write_confusion(folder / "confusion.png", summary)
    run_dir.write_json(folder / "summary.json", summary)
    digests.write(folder)
    return summary


def _comparisons(tested: Sequence[Tested]) -> Iterator[dict[str, Any]]:
    """The families of conditions, over the seeds that all of them have."""
    seeds = set.intersection(*(set(of.seeds) for of in tested)) if tested else set()
    if not seeds:
        return
    ua, names = {}, {of.condition: of.name for of in tested}
    for of in tested:
        common = of.of_seeds(np.isin(of.seeds, list(seeds)))
        # The speakers of all are the same, in one order.
        speakers = common.summary()["speakers"]
        ua[of.condition] = np.array([speaker["ua"] for speaker in speakers])
    for family in comparisons.families(list(ua)):
        yield comparisons.compare(ua, family, names)


def _write_confusion(path: Path, summary: dict[str, Any]) -> None:
    (condition,) = summary["conditions"]
    title = f"{summary['corpus']}: {condition['name']}"
    matrix, emotions = condition["confusion"], summary["emotions"]
    run_dir.write_png(path, confusion.draw(matrix, emotions, title))
