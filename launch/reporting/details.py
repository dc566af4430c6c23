"""Behind the accuracies: speakers, training curves, and NetVLAD's clusters, where
they go in time and whether they match emotions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from launch.reporting import families
from launch.reporting.pages import KINDS, Block, Cell, Mark, Picture, Table
from launch.reporting.runs import Run
from vladser import text
from vladser.evaluation import clustering, comparisons, significance
from vladser.plots import areas, lines

_CURVES = {"loss": "training loss", "validation_ua": "validation UA"}


def speakers(run: Run) -> list[Block]:
    """Returns which speakers are hard."""
    if len(run.proposed.speakers) < 2:
        return []
    rows = [
        {
            "speaker": speaker["speaker"],
            "utterances": f"{speaker['utterances']:,}",
            "in training": "yes" if speaker.get("shared") else text.NONE,
            run.proposed.name: text.percent(speaker["ua"]),
        }
        for speaker in sorted(run.proposed.speakers, key=lambda of: of["ua"])
    ]
    note = "UA in percent, averaged over seeds, a class that a speaker lacks left out."
    return [Table("UA by speaker, the hardest first", rows, notes=[note])]


def curves(run: Run) -> list[Block]:
    """Draws loss, and validation UA where there is one, by epoch; a figure a family."""
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
    return [note, pictures] if pictures else []


def _by_epoch(
    run: Run, key: str
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns mean, 10th and 90th percentile over trials, [epochs], by condition."""
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


def clusters(run: Run) -> list[Block]:
    """Returns the verdict for each NetVLAD, and figures of the leading ones."""
    by_condition = defaultdict(list)
    for line in run.clusters:
        by_condition[line["condition"]].append(line)
    names = [c.name for c in run.conditions if c.name in by_condition]
    if not names:
        return []
    indices = {name: of for name in names if len(of := _indices(by_condition[name]))}
    references = {family["reference"] for family in run.summary["comparisons"]}
    shown = [name for name in names if name in {run.proposed.name, *references}]
    drawn = [
        _clusters_picture(run, name, by_condition[name]) for name in shown or names[:1]
    ]
    return [*([_clusters_table(indices)] if indices else []), drawn]


def _clusters_table(indices: dict[str, np.ndarray]) -> Block:
    rows: list[dict[str, Cell]] = []
    for name, pairs in indices.items():
        untrained, trained = pairs.mean(axis=0)
        gain = pairs[:, 1] - pairs[:, 0]
        interval = significance.interval(gain, (-1.5, 1.5))
        p = significance.sign_flip(gain)
        verdict = comparisons.verdict(gain.mean(), p)
        rows.append(
            {
                "condition": name,
                "untrained": text.decimal(untrained),
                "trained": text.decimal(trained),
                "difference": text.decimal(trained - untrained),
                "95 % interval": text.interval(interval, text.decimal),
                "p": text.probability(p),
                "verdict": Mark(KINDS[verdict], verdict),
            }
        )
    notes = [
        "The adjusted Rand index of an utterance's dominant cluster and its emotion, "
        "over the test utterances of a fold: 1 is a perfect match, 0 is chance. "
        "Clusters of sounds match emotions before any training, so a trained NetVLAD "
        "is compared with itself untrained, fold by fold. A difference can be real and "
        "still be small. p is not corrected."
    ]
    folds = min(map(len, indices.values()))
    least = significance.least_p(folds, 1)
    if least >= comparisons.LEVEL:
        notes.append(
            f"With {text.count(folds, 'fold')} the smallest p that can occur is "
            f"{text.probability(least)}: no difference can be told from chance."
        )
    title = "Are clusters related to emotions more than before training?"
    return Table(title, rows, {"verdict"}, notes)


def _clusters_picture(run: Run, name: str, lines: Sequence[dict[str, Any]]) -> Picture:
    # Clusters of two seeds have nothing in common but their numbers.
    seed = lines[0]["seed"]
    shares = clustering.profile([line for line in lines if line["seed"] == seed])
    return Picture(
        f"Clusters in time: {name}",
        "Stacked shares of the clusters over the time of an utterance, by emotion.",
        areas.clusters(shares, run.summary["emotions"]),
        "Mean share of each cluster in each tenth of an utterance, over the folds of "
        f"seed {seed}. A cluster is taken to be the same in all of these folds, since "
        "they start from the same centers.",
    )


def _indices(lines: Sequence[dict[str, Any]]) -> np.ndarray:
    """Returns the adjusted Rand index before the first training step and after the
    last, averaged over seeds, [folds, 2]: of the folds that have both, none for a
    single cluster."""
    by_fold = defaultdict(list)
    for line in lines:
        pair = line["untrained_rand"], line["adjusted_rand"]
        clusters = next(len(s) for s in line["assignment"] if s is not None)
        if clusters > 1 and None not in pair:
            by_fold[line["fold"]].append(pair)
    return np.array([np.mean(pairs, axis=0) for pairs in by_fold.values()])
