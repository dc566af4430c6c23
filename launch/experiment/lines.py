"""What is said of each trial: the lines of metrics.jsonl and clusters.jsonl, and
`failed` of summary.json."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation.netvlad_clusters import Clusters


def metrics(design: Design, merged: Results) -> Iterator[str]:
    """Yields metrics.jsonl of the whole experiment: a line an epoch and trial."""
    for epoch in range(merged.loss.shape[-1]):
        curves = merged.loss[..., epoch], merged.validation_ua[..., epoch]
        yield from of_epoch(design, _everything(design), epoch + 1, *curves)


def of_epoch(
    design: Design,
    batch: TrialBatch,
    epoch: int,
    loss: np.ndarray,
    validation_ua: np.ndarray,
) -> Iterator[str]:
    """Yields the lines of the trials of a batch; a trial that has failed has none.

    Args:
      design: the experiment.
      batch: some of its trials.
      epoch: counted from 1.
      loss, validation_ua: [seeds, conditions, folds] of the batch.
    """
    for place, line in _trials(design, batch):
        if np.isnan(loss[place]):
            continue
        line |= {"epoch": epoch, "loss": float(loss[place])}
        if not np.isnan(validation_ua[place]):
            line["validation_ua"] = float(validation_ua[place])
        yield _line(line)


def clusters(
    design: Design, merged: Results, clusters: Mapping[int, Clusters]
) -> Iterator[str]:
    """Yields clusters.jsonl: a line a trial of NetVLAD that has not failed."""
    for (s, c, f), line in _trials(design, _everything(design)):
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


def failed(design: Design, merged: Results) -> Iterator[dict[str, Any]]:
    """Yields the `failed` of summary.json: the trials that were stopped, and where."""
    for place, line in _trials(design, _everything(design)):
        epoch, step = merged.failed[place].tolist()
        if epoch:
            yield line | {"epoch": epoch, "step": step}


def _everything(design: Design) -> TrialBatch:
    return TrialBatch(*map(range, design.shape))


def _trials(
    design: Design, batch: TrialBatch
) -> Iterator[tuple[tuple[int, int, int], dict[str, Any]]]:
    """The places [seed, condition, fold] in a batch, with what names the trial there,
    condition by condition."""
    names = design.names
    for c, condition in enumerate(batch.conditions):
        for s, seed in enumerate(batch.seeds):
            for f, fold in enumerate(batch.folds):
                yield (
                    (s, c, f),
                    {
                        "condition": names[condition],
                        "seed": design.seeds[seed],
                        "fold": design.folds[fold].held_out,
                    },
                )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
