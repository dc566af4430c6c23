"""The results of an experiment as files, which process 0 writes when all is trained."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from launch.command_line.flags import Settings
from launch.experiment import run_dir
from launch.output import pictures
from vladser import files
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation import comparisons
from vladser.evaluation.netvlad_clusters import Clusters
from vladser.evaluation.tested import Tested
from vladser.plots import areas


def write(
    settings: Settings,
    design: Design,
    merged: Results,
    clusters: Mapping[int, Clusters],
    skipped: Mapping[str, str],
    training: Mapping[str, float],
) -> dict[str, Any]:
    """Writes predictions.csv, metrics.jsonl, confusion.png (of one condition and one
    test part), clusters.jsonl (if there is NetVLAD), summary.json and, at last,
    SHA256SUMS.

    Args:
      clusters: by the place of the condition.
      skipped: the reason by utterance.

    Returns:
      The content of summary.json.
    """
    folder, failed = settings.run_dir, np.any(merged.failed, axis=(2, 3))
    tested = [
        Tested(
            design.datasets[c],
            condition,
            design.names[c],
            design.folds,
            design.seeds,
            [of_fold[:, c] for of_fold in merged.probabilities],
        )
        for c, condition in enumerate(design.conditions)
    ]
    # Of a condition with failed trials, the seeds without any count.
    whole = [of.of_seeds(~failed[:, c]) for c, of in enumerate(tested)]
    whole = [of for of in whole if of.seeds]
    parts = [*zip(*map(Tested.by_part, whole), strict=True)]  # [parts][conditions]
    summary: dict[str, Any] = {
        "format": 1,
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "emotions": list(design.datasets[0].emotions),
        "conditions": [of.summary() for part in parts for of in part],
        "comparisons": [*chain.from_iterable(map(_comparisons, parts))],
        "skipped": [{"utterance": u, "reason": why} for u, why in skipped.items()],
        "failed": list(_failed(design, merged)),
        "training": training,
    }
    by_part = chain.from_iterable(map(Tested.by_part, tested))
    rows = chain.from_iterable(map(Tested.predictions, by_part))
    files.write_csv(folder / "predictions.csv", tested[0].header(), rows)
    files.write_text(folder / "metrics.jsonl", "".join(_metrics(design, merged)))
    if clusters:
        lines = "".join(_clusters(design, merged, clusters))
        files.write_text(folder / "clusters.jsonl", lines)
    if len(tested) == len(summary["conditions"]) == 1:
        (condition,) = summary["conditions"]
        title = f"{settings.corpus}: {condition['name']}"
        figure = areas.confusion(condition["confusion"], summary["emotions"], title)
        pictures.write(folder / "confusion.png", figure)
    files.write_json(folder / "summary.json", summary)
    files.write_sums(folder, run_dir.RESULTS)
    return summary


def epoch_lines(
    design: Design,
    batch: TrialBatch,
    epoch: int,
    loss: np.ndarray,
    validation_ua: np.ndarray,
) -> Iterator[str]:
    """Yields the lines of an epoch in metrics.jsonl, one a trial that has not failed,
    from the loss and the validation UA of a batch, [seeds, conditions, folds]."""
    for place, line in _trials(design, batch):
        if np.isnan(loss[place]):
            continue
        line |= {"epoch": epoch, "loss": float(loss[place])}
        if not np.isnan(validation_ua[place]):
            line["validation_ua"] = float(validation_ua[place])
        yield _line(line)


def _metrics(design: Design, merged: Results) -> Iterator[str]:
    for epoch in range(merged.loss.shape[-1]):
        curves = merged.loss[..., epoch], merged.validation_ua[..., epoch]
        yield from epoch_lines(design, _all(design), epoch + 1, *curves)


def _clusters(
    design: Design, merged: Results, clusters: Mapping[int, Clusters]
) -> Iterator[str]:
    """Yields clusters.jsonl: a line a trial of NetVLAD that has not failed."""
    for (s, c, f), line in _trials(design, _all(design)):
        if c not in clusters or merged.failed[s, c, f].any():
            continue
        of = clusters[c]
        line |= {
            "utterances": of.utterances[f].tolist(),
            "adjusted_rand": _number(of.adjusted_rand[s, f]),
            "untrained_rand": _number(of.untrained_rand[s, f]),
            "assignment": [
                None if np.isnan(shares).any() else shares.round(6).tolist()
                for shares in of.assignment[s, f].astype(float)
            ],
        }
        yield _line(line)


def _failed(design: Design, merged: Results) -> Iterator[dict[str, Any]]:
    """Yields `failed` of summary.json: the trials that were stopped, and where."""
    for place, line in _trials(design, _all(design)):
        epoch, step = merged.failed[place].tolist()
        if epoch:
            yield line | {"epoch": epoch, "step": step}


def _comparisons(tested: Sequence[Tested]) -> Iterator[dict[str, Any]]:
    """Yields the families of conditions that were tested on one part, over the seeds
    that all of them have."""
    seeds = set.intersection(*(set(of.seeds) for of in tested))
    if not seeds:
        return
    ua, names = {}, {of.condition: of.name for of in tested}
    for of in tested:
        common = of.of_seeds(np.isin(of.seeds, list(seeds)))
        # The speakers of all are the same, in one order.
        speakers = common.summary()["speakers"]
        ua[of.condition] = np.array([speaker["ua"] for speaker in speakers])
    for family in comparisons.families(list(ua)):
        yield comparisons.compare(ua, family, names) | {"part": tested[0].part}


def _all(design: Design) -> TrialBatch:
    return TrialBatch(*map(range, design.shape))


def _trials(
    design: Design, batch: TrialBatch
) -> Iterator[tuple[tuple[int, int, int], dict[str, Any]]]:
    """Yields the places [seed, condition, fold] in a batch, and the names of the trial
    there, condition by condition."""
    names = design.names
    for c, condition in enumerate(batch.conditions):
        for s, seed in enumerate(batch.seeds):
            for f, fold in enumerate(batch.folds):
                line = {"condition": names[condition], "seed": design.seeds[seed]}
                yield (s, c, f), line | {"fold": design.folds[fold].held_out}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
