"""Behind the accuracies: speakers and training curves."""

from collections import defaultdict

import numpy as np

from launch.reporting import facts, families
from launch.reporting.document import Gallery, Picture, Section, Table
from launch.reporting.runs import Run
from vladser import text
from vladser.plots import lines

_CURVES = {"loss": "training loss", "validation_ua": "validation UA"}
_Curve = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean, low, high: [epochs] each


def speakers(run: Run) -> Section | None:
    """Returns which speakers are hard."""
    every, first = run.conditions, facts.proposed(run)
    names = [speaker["speaker"] for speaker in first.speakers]
    if len(names) < 2:
        return None
    ua = np.array([[s["ua"] for s in c.speakers] for c in every], float)
    order, several = np.argsort(ua.mean(axis=0), kind="stable"), len(every) > 1
    columns = {first.name: ua[every.index(first)]}
    if several:
        columns |= {"lowest": ua.min(0), "mean": ua.mean(0), "highest": ua.max(0)}
    rows = [
        {"speaker": names[n], "utterances": f"{first.speakers[n]['utterances']:,}"}
        | {name: text.percent(shares[n]) for name, shares in columns.items()}
        for n in order
    ]
    notes = [
        "Lowest to highest: over the conditions. UA in percent, averaged over seeds, a "
        "class that a speaker lacks left out."
    ] * several
    table = Table("UA by speaker, the hardest first", rows, (), notes)
    return Section("Speakers", [table])


def curves(run: Run) -> Section | None:
    """Draws loss, and validation UA where there is one, by epoch; a figure a family."""
    if not run.metrics:
        return None
    groups = {
        family["family"]: families.members(run, family)
        for family in run.summary["comparisons"]
    } or {"": run.conditions}
    pictures = []
    for key, label in _CURVES.items():
        by_condition = _by_epoch(run, key)
        for group, members in groups.items():
            shown = {
                short: by_condition[c.name]
                for short, c in zip(families.names(members), members, strict=True)
                if c.name in by_condition
            }
            if shown:
                title = f"{group}: {label}" if group else label.capitalize()
                last = [f"{n} {text.decimal(of[0][-1])}" for n, of in shown.items()]
                description = f"At the last epoch: {'; '.join(last)}."
                figure = lines.by_epoch(shown, label)
                pictures.append(Picture(title, description, figure))
    note = "Means over seeds and folds. A band holds the middle 80 % of them."
    return Section("Training", [note, Gallery(pictures)])


def _by_epoch(run: Run, key: str) -> dict[str, _Curve]:
    """Returns the mean, 10th and 90th percentile over trials by condition."""
    values: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in run.metrics:
        if key in line:
            values[line["condition"]][line["epoch"]].append(line[key])
    curves = {}
    for name, epochs in values.items():
        trials = [epochs[epoch] for epoch in sorted(epochs)]
        low, high = np.transpose([np.percentile(x, (10, 90)) for x in trials])
        curves[name] = np.array([np.mean(x) for x in trials]), low, high
    return curves
