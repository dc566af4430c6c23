"""What a person sees: notes, progress and the table of results."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from vladser import metrics, text
from vladser.metrics import METRICS


def say(text: str) -> None:
    """Prints a line about what goes on; standard output is for results alone."""
    print(text, file=sys.stderr, flush=True)


def bar(description: str, total: int, unit: str, scale: bool = False) -> tqdm:
    """Returns a progress bar; silent where standard error is no terminal.

    Args:
      description: what is done.
      total: how many units of it there are.
      unit: what is counted, in the singular.
      scale: whether to write thousands as k.
    """
    return tqdm(
        desc=description,
        total=total,
        unit=unit,
        unit_scale=scale,
        disable=None,
        leave=False,
        dynamic_ncols=True,
        smoothing=0.1,
    )


def results(summary: dict[str, Any], partial: Sequence[str]) -> str:
    """Returns the tables of a run: all of its only condition, or a line a condition.

    Args:
      summary: what summary.json holds.
      partial: the held-out names whose test set lacks a class.
    """
    conditions = summary["conditions"]
    if len(conditions) == 1:
        return _condition(conditions[0], summary["emotions"], partial)
    folds = not all(_folds_are_speakers(c["ua"]) for c in conditions)
    others = [key for key in metrics.of_summary(conditions[0]) if key != "ua"]
    header = ("condition", "UA %", "95 % interval", *["mean of folds"] * folds)
    header += ("sd over seeds", "pooled", *(f"{METRICS[key].name} %" for key in others))
    rows = [
        (
            c["name"],
            text.percent(c["ua"]["mean_of_speakers"]),
            text.interval(c["ua"]["interval"], text.percent),
            *[text.percent(c["ua"]["mean_of_folds"])] * folds,
            text.percent(c["ua"]["std_over_seeds"]),
            text.percent(c["ua"]["pooled"]),
            *(text.percent(_of(c, key)["mean_of_folds"]) for key in others),
        )
        for c in conditions
    ]
    return text.table(header, rows)


def _of(condition: dict[str, Any], key: str) -> Any:
    return metrics.of_summary(condition)[key]


def _condition(
    condition: dict[str, Any], emotions: Sequence[str], partial: Sequence[str]
) -> str:
    confusion = np.array(condition["confusion"])
    by_fold = [
        (
            fold["held_out"] + "*" * (fold["held_out"] in partial),
            f"{fold['utterances']}",
            text.percent(fold["ua"]),
        )
        for fold in condition["folds"]
    ]
    shares = metrics.row_shares(confusion)
    spoken = [
        (emotion, *map(text.percent, row))
        for emotion, row in zip(emotions, shares, strict=True)
    ]
    remark = "\n* tests without some class: its UA is over the others" * bool(partial)
    return "\n\n".join(
        [
            f"{condition['name']}, {text.count(len(condition['seeds']), 'seed')}",
            text.table(("held out", "utterances", "UA %"), by_fold) + remark,
            _averages(condition, confusion),
            text.table(("spoken \\ predicted %", *emotions), spoken),
        ]
    )


def _averages(condition: dict[str, Any], confusion: np.ndarray) -> str:
    """Returns each metric, averaged in several ways and of blind guesses."""
    written = metrics.of_summary(condition)
    baselines = {
        "majority class": metrics.majority(confusion),
        "chance": metrics.chance(confusion),
    }
    ways = {
        way.replace("_", " "): [averages.get(way) for averages in written.values()]
        for way in ("mean_of_speakers", "mean_of_folds", "pooled")
    } | {
        name: [METRICS[key].compute(guessed) for key in written]
        for name, guessed in baselines.items()
    }
    beside = "mean of speakers"
    if _folds_are_speakers(condition["ua"]):
        del ways[beside]
        beside = "mean of folds"
    names = [f"{METRICS[key].name} %" for key in written]
    rows = [(way, *map(text.percent, shares)) for way, shares in ways.items()]
    ua = condition["ua"]
    interval = text.interval(ua["interval"], text.percent)
    seeds = text.percent(ua["std_over_seeds"])
    return "\n".join(
        [
            text.table(("", *names), rows),
            f"UA: 95 % interval of the {beside} {interval}, sd over seeds {seeds}",
        ]
    )


def _folds_are_speakers(ua: dict[str, Any]) -> bool:
    return abs(ua["mean_of_speakers"] - ua["mean_of_folds"]) < 1e-9
