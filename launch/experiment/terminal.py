"""What a person sees: notes, progress and the table of results."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm


def say(text: str) -> None:
    """A line about what goes on; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def number(count: int, noun: str) -> str:
    """A count and what is counted: "1 seed", "2 seeds"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def bar(description: str, total: int, unit: str, scale: bool = False) -> tqdm:
    """A progress bar; silent where standard error is no terminal."""
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
    """The tables of a run: of one condition all, of several a line each.

    Args:
      summary: what summary.json holds.
      partial: the held-out names whose test set lacks a class.
    """
    conditions = summary["conditions"]
    if len(conditions) == 1:
        return _condition(conditions[0], summary["emotions"], partial)
    folds = not all(_folds_are_speakers(one["ua"]) for one in conditions)
    header = ("condition", "UA %", "95 % interval", *["mean of folds"] * folds)
    header += ("over seeds", "pooled", "WA %")
    rows = [
        (
            one["name"],
            _percent(one["ua"]["mean_of_speakers"]),
            _interval(one["ua"]["interval"]),
            *[_percent(one["ua"]["mean_of_folds"])] * folds,
            _spread(one["ua"]["std_over_seeds"]),
            _percent(one["ua"]["pooled"]),
            _percent(one["wa"]["mean_of_folds"]),
        )
        for one in conditions
    ]
    return "\n".join(table(header, rows))


def _condition(
    condition: dict[str, Any], emotions: Sequence[str], partial: Sequence[str]
) -> str:
    ua, wa, chance = condition["ua"], condition["wa"], 1 / len(emotions)
    confusion = np.array(condition["confusion"])
    spoken = confusion.sum(axis=1)
    majority = spoken.max() / spoken.sum()
    folds = [
        (
            fold["held_out"] + "*" * (fold["held_out"] in partial),
            str(fold["utterances"]),
            _percent(fold["ua"]),
        )
        for fold in condition["folds"]
    ]
    lines = [f"{condition['name']}, {number(len(condition['seeds']), 'seed')}", ""]
    lines += table(("held out", "utterances", "UA %"), folds)
    if partial:
        lines.append("* tests without some class: its UA is over the others")
    interval, spread = _interval(ua["interval"]), _spread(ua["std_over_seeds"])
    averages = [
        ("mean of speakers", ua["mean_of_speakers"], interval, "", None),
        ("mean of folds", ua["mean_of_folds"], "", spread, wa["mean_of_folds"]),
        ("pooled", ua["pooled"], "", "", wa["pooled"]),
        ("majority class", 1 / np.count_nonzero(spoken), "", "", majority),
        ("chance", chance, "", "", chance),
    ]
    if _folds_are_speakers(ua):
        name, mean, _, over_seeds, of_wa = averages[1]
        averages[:2] = [(name, mean, interval, over_seeds, of_wa)]
    cells = [(name, _percent(u), *s, _percent(w)) for name, u, *s, w in averages]
    header = "", "UA %", "95 % interval", "over seeds", "WA %"
    lines += ["", *table(header, cells)]
    share = confusion / np.maximum(spoken[:, None], 1)
    rows = [
        (emotion, *map(_percent, row))
        for emotion, row in zip(emotions, share, strict=True)
    ]
    return "\n".join([*lines, "", *table(("spoken \\ predicted %", *emotions), rows)])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns to the right, the first to the left."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in lines
    ]


def _folds_are_speakers(ua: dict[str, Any]) -> bool:
    return abs(ua["mean_of_speakers"] - ua["mean_of_folds"]) < 1e-9


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _interval(interval: Sequence[float] | None) -> str:
    return "" if interval is None else " - ".join(map(_percent, interval))


def _spread(deviation: float | None) -> str:
    return "" if deviation is None else f"± {_percent(deviation)}"
