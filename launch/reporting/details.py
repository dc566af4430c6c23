"""Behind the accuracies: speakers and training curves."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from launch.reporting import facts, families, text
from launch.reporting.blocks import Beside, Gallery, Picture, Section, Table, Text
from launch.reporting.runs import Run
from vladser.plots import curves as curves_plot
from vladser.plots import speakers as speakers_plot


def speakers(run: Run) -> Section | None:
    """Which speakers are hard."""
    every = run.summary["conditions"]
    names = [one["speaker"] for one in every[0]["speakers"]]
    if len(names) < 2:
        return None
    spoken = [one["utterances"] for one in every[0]["speakers"]]
    ua = np.array([[one["ua"] for one in c["speakers"]] for c in every])
    first = every.index(facts.proposed(run))
    order = np.argsort(ua.mean(axis=0), kind="stable")
    several = len(every) > 1
    rows = [
        (
            names[n],
            f"{spoken[n]:,}",
            text.percent(ua[first, n]),
            *(map(text.percent, _range(ua[:, n])) if several else ()),
        )
        for n in order
    ]
    header: tuple[str, ...] = ("speaker", "utterances", every[first]["name"])
    header += ("lowest", "mean", "highest") if several else ()
    table = Table(
        "UA by speaker, the hardest first",
        header,
        rows,
        notes=[
            "Lowest to highest: over the conditions. UA in percent, averaged over "
            "seeds, a class that a speaker lacks left out."
        ]
        if several
        else [],
    )
    ends = names[order[0]], names[order[-1]]
    shown = Picture(
        "UA by speaker",
        f"The hardest is {ends[0]}, the easiest {ends[1]}.",
        speakers_plot.draw(names, [one["name"] for one in every], ua, first),
    )
    return Section("Speakers", [Beside(shown, table)])


def curves(run: Run) -> Section | None:
    """Loss, and validation UA where there is one, by epoch; a figure a family."""
    if not run.metrics:
        return None
    groups = {
        family["family"]: families.members(run, family)
        for family in run.summary["comparisons"]
    } or {"": run.summary["conditions"]}
    pictures = []
    for key, label in (("loss", "training loss"), ("validation_ua", "validation UA")):
        by_condition = _by_epoch(run.metrics, key)
        for group, members in groups.items():
            chosen = {
                short: by_condition[one["name"]]
                for short, one in zip(families.names(members), members, strict=True)
                if one["name"] in by_condition
            }
            if chosen:
                title = f"{group}: {label}" if group else label.capitalize()
                pictures.append(_curve(title, chosen, label))
    said = Text("Means over seeds and folds. A band holds the middle 80 % of them.")
    return Section("Training", [said, Gallery(pictures)])


def _range(values: np.ndarray) -> tuple[float, float, float]:
    return values.min(), values.mean(), values.max()


def _by_epoch(lines: Iterable[dict], key: str) -> dict[str, tuple[np.ndarray, ...]]:
    """By condition the mean, 10th and 90th percentile over trials, [epochs] each."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if key in line:
            found[line["condition"]][line["epoch"]].append(line[key])
    curves = {}
    for name, epochs in found.items():
        values = [epochs[epoch] for epoch in sorted(epochs)]
        mean = np.array([np.mean(one) for one in values])
        bounds = np.array([np.percentile(one, (10, 90)) for one in values])
        curves[name] = mean, *bounds.T
    return curves


def _curve(title: str, curves: dict[str, tuple], label: str) -> Picture:
    ends = [f"{name} {text.decimal(mean[-1])}" for name, (mean, *_) in curves.items()]
    description = f"At the last epoch: {'; '.join(ends)}."
    return Picture(title, description, curves_plot.draw(curves, label))
