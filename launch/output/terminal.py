"""What the terminal shows: notes, progress and the tables of results."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vladser import metrics, text
from vladser.evaluation import independence
from vladser.metrics import METRICS

if TYPE_CHECKING:
    from tqdm import tqdm


def say(text: str) -> None:
    """Prints a line to standard error; standard output is for results alone."""
    print(text, file=sys.stderr, flush=True)


def bar(description: str, total: int, unit: str, scale: bool = False) -> "tqdm":
    """Returns a progress bar of `total` units, silent where standard error is no
    terminal; `scale` writes thousands as k."""
    from tqdm import tqdm  # late because it reads the environment

    options = {"disable": None, "leave": False, "dynamic_ncols": True, "smoothing": 0.1}
    return tqdm(desc=description, total=total, unit=unit, unit_scale=scale, **options)


def move(bar: "tqdm", units: int) -> None:
    """Moves a bar by what was done before, or back by what is done again: neither is
    part of its rate."""
    bar.n += units
    bar.last_print_n = bar.n


def results(summary: dict[str, Any]) -> str:
    """Returns the tables of a run: all of its only test, or a line for each condition
    and test part; and what has to be said beside them.

    Args:
      summary: the content of summary.json.
    """
    conditions = summary["conditions"]
    first = {c.get("part"): c for c in reversed(conditions)}
    said = [
        f"{part}: {caution}" if part else caution
        for part, c in reversed(first.items())
        if (caution := independence.caution(c.get("speakers", [])))
    ]
    if len(conditions) == 1:
        tables = _condition(conditions[0], summary["emotions"])
    else:
        tables = _conditions(conditions)
    return "\n\n".join([tables, *said])


def _conditions(conditions: Sequence[dict[str, Any]]) -> str:
    alike, rows = all(_folds_are_speakers(c["ua"]) for c in conditions), []
    for c in conditions:
        (_, ua), *others = metrics.of_summary(c).items()
        row = {"condition": c["name"]}
        if part := c.get("part"):
            row["tested on"] = part
        row["UA %"] = text.percent(ua["mean_of_speakers"])
        row["95 % interval"] = text.interval(ua["interval"], text.percent)
        if not alike:
            row["mean of folds"] = text.percent(ua["mean_of_folds"])
        row["sd over seeds"] = text.percent(ua["std_over_seeds"])
        row["pooled"] = text.percent(ua["pooled"])
        for key, of in others:
            row[f"{METRICS[key].name} %"] = text.percent(of["mean_of_folds"])
        rows.append(row)
    words = {1} if "tested on" in rows[0] else set()
    return text.table([*rows[0]], [[*row.values()] for row in rows], words)


def _condition(condition: dict[str, Any], emotions: Sequence[str]) -> str:
    confusion = np.array(condition["confusion"])
    folds = [
        (fold["held_out"], f"{fold['utterances']}", text.percent(fold["ua"]))
        for fold in condition["folds"]
    ]
    spoken = [
        (emotion, *map(text.percent, row))
        for emotion, row in zip(emotions, metrics.row_shares(confusion), strict=True)
    ]
    return "\n\n".join(
        [
            f"{condition['name']}, {text.count(len(condition['seeds']), 'seed')}",
            text.table(("held out", "utterances", "UA %"), folds),
            _averages(condition, confusion),
            text.table(("spoken \\ predicted %", *emotions), spoken),
        ]
    )


def _averages(condition: dict[str, Any], confusion: np.ndarray) -> str:
    """Returns each metric, averaged in several ways and of blind guesses."""
    ua, written = condition["ua"], metrics.of_summary(condition)
    ways = ["mean_of_speakers", "mean_of_folds", "pooled"]
    if _folds_are_speakers(ua):
        del ways[0]
    rows = [
        (way.replace("_", " "), *(text.percent(of.get(way)) for of in written.values()))
        for way in ways
    ]
    guesses = metrics.majority(confusion), metrics.chance(confusion)
    for name, guessed in zip(("majority class", "chance"), guesses, strict=True):
        shares = (METRICS[key].compute(guessed) for key in written)
        rows.append((name, *map(text.percent, shares)))
    interval = text.interval(ua["interval"], text.percent)
    return (
        f"{text.table(('', *(f'{METRICS[key].name} %' for key in written)), rows)}\n"
        f"UA: 95 % interval of the {rows[0][0]} {interval}, "
        f"sd over seeds {text.percent(ua['std_over_seeds'])}"
    )


def _folds_are_speakers(ua: dict[str, Any]) -> bool:
    return abs(ua["mean_of_speakers"] - ua["mean_of_folds"]) < 1e-9
