"""What is said of each trial: the lines of metrics.jsonl and clusters.jsonl, and
`failed` of summary.json."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vladser.condition import Condition
from vladser.data.batches import Plan
from vladser.engine.merging import Results
from vladser.engine.trial_batches import Chunk
from vladser.types import Dataset


def metrics(
    conditions: Sequence[Condition], plan: Plan, results: Results
) -> Iterator[str]:
    """metrics.jsonl of the whole experiment: a line an epoch and trial."""
    everything = _everything(results)
    for epoch in range(plan.epochs):
        curves = results.loss[..., epoch], results.validation_ua[..., epoch]
        yield from of_epoch(conditions, plan, everything, epoch + 1, *curves)


def of_epoch(
    conditions: Sequence[Condition],
    plan: Plan,
    chunk: Chunk,
    epoch: int,
    loss: np.ndarray,
    validation_ua: np.ndarray,
) -> Iterator[str]:
    """The lines of the trials of a chunk; loss and UA [seeds, conditions, folds]. A
    trial that has failed has none."""
    for place, line in _trials(conditions, plan, chunk):
        if np.isnan(loss[place]):
            continue
        line |= {"epoch": epoch, "loss": float(loss[place])}
        if not np.isnan(validation_ua[place]):
            line["validation_ua"] = float(validation_ua[place])
        yield _line(line)


def clusters(
    corpus: Dataset, conditions: Sequence[Condition], plan: Plan, results: Results
) -> Iterator[str]:
    """clusters.jsonl: a line a trial of NetVLAD, see `netvlad_clusters`."""
    emotions = len(corpus.emotions)
    counts = [
        np.bincount(corpus.label[fold.test], minlength=emotions).tolist()
        for fold in plan.folds
    ]
    for place, line in _trials(conditions, plan, _everything(results)):
        if results.failed[place].any():
            continue
        of_emotions = results.assignment[place]
        live = ~np.isnan(of_emotions).all(axis=(0, 2))
        if not live.any():
            continue
        line |= {
            "utterances": counts[place[2]],
            "adjusted_rand": _number(results.adjusted_rand[place]),
            "untrained_rand": _number(results.untrained_rand[place]),
            "assignment": [
                None if np.isnan(shares).any() else shares.round(6).tolist()
                for shares in of_emotions[:, live].astype(float)
            ],
        }
        yield _line(line)


def failed(
    conditions: Sequence[Condition], plan: Plan, results: Results
) -> Iterator[dict[str, Any]]:
    """The `failed` of summary.json: the trials that were stopped, and where."""
    for place, line in _trials(conditions, plan, _everything(results)):
        epoch, step = results.failed[place].tolist()
        if epoch:
            yield line | {"epoch": epoch, "step": step}


def _everything(results: Results) -> Chunk:
    return Chunk(*map(range, results.epoch.shape))


def _trials(
    conditions: Sequence[Condition], plan: Plan, chunk: Chunk
) -> Iterator[tuple[tuple[int, int, int], dict[str, Any]]]:
    """The places [seed, condition, fold] in a chunk, with what names the trial there,
    condition by condition."""
    for c, condition in enumerate(chunk.conditions):
        for s, seed in enumerate(chunk.seeds):
            for f, fold in enumerate(chunk.folds):
                yield (
                    (s, c, f),
                    {
                        "condition": conditions[condition].name,
                        "seed": plan.seeds[seed],
                        "fold": plan.folds[fold].held_out,
                    },
                )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
