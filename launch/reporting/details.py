"""Behind the accuracies: speakers, training curves, NetVLAD's clusters."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from launch.reporting import facts, families, overview, text
from launch.reporting.blocks import Beside, Gallery, Mark, Picture, Section, Table, Text
from launch.reporting.runs import Run
from vladser import clustering, comparisons, plots


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
    header = ("speaker", "utterances", every[first]["name"])
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
        plots.speakers(names, [one["name"] for one in every], ua),
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


def clusters(run: Run) -> Section | None:
    """Where NetVLAD's clusters go in time, and whether they match emotions."""
    records = defaultdict(list)
    for line in run.clusters:
        records[line["condition"]].append(line)
    if not records:
        return None
    emotions = run.summary["emotions"]
    references = {one["reference"] for one in run.summary["comparisons"]}
    leading = {facts.proposed(run)["name"], *references}
    drawn = [name for name in records if name in leading] or [*records][:1]
    pictures = [
        Picture(
            f"Clusters in time: {name}",
            "Stacked shares of the clusters over the time of an utterance, by emotion.",
            plots.clusters(_profile(records[name]), emotions),
            "Mean share of each cluster in each tenth of an utterance, over the folds "
            f"of seed {records[name][0]['seed']}.",
        )
        for name in drawn
    ]
    rows = [row for name, lines in records.items() if (row := _match(name, lines))]
    table = Table(
        "Do clusters match emotions?",
        ("condition", "adjusted Rand index", "95 % interval", "p", "verdict"),
        rows,
        words=frozenset({4}),
        notes=[
            "The adjusted Rand index of an utterance's dominant cluster and its "
            "emotion, over the test utterances of a fold: 1 is a perfect match, 0 is "
            "chance. An index can differ from chance and still be small. p is not "
            "corrected."
        ],
    )
    return Section("Clusters", [*([table] if rows else []), Gallery(pictures)])


def _range(values: np.ndarray) -> tuple[float, float, float]:
    return values.min(), values.mean(), values.max()


def _by_epoch(lines: Iterable[dict], key: str) -> dict[str, tuple[np.ndarray, ...]]:
    """By condition the mean, 10th and 90th percentile over trials, [epochs] each."""
    found = defaultdict(lambda: defaultdict(list))
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
    return Picture(title, description, plots.curves(curves, label))


def _profile(lines: Sequence[dict[str, Any]]) -> np.ndarray:
    """[E, K, BINS] of the first seed, see `clustering.profile`."""
    return clustering.profile([one for one in lines if one["seed"] == lines[0]["seed"]])


def _match(name: str, lines: Sequence[dict[str, Any]]) -> tuple | None:
    by_fold = defaultdict(list)
    for line in lines:
        if line["adjusted_rand"] is not None:
            by_fold[line["fold"]].append(line["adjusted_rand"])
    match = comparisons.match([np.mean(one) for one in by_fold.values()])
    return match and (
        name,
        text.decimal(match.difference),
        text.decimals(match.interval),
        text.probability(match.p_holm),
        Mark(overview.KINDS[match.verdict], match.verdict),
    )
