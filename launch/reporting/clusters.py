"""NetVLAD's clusters: where they go in time, and whether they match emotions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from launch.reporting import facts
from launch.reporting.document import (
    Block,
    Cell,
    Gallery,
    Mark,
    Picture,
    Section,
    Table,
)
from launch.reporting.runs import Run
from vladser import text
from vladser.evaluation import clustering, comparisons, significance
from vladser.plots import clusters as plot

_Lines = Sequence[dict[str, Any]]  # of clusters.jsonl


def section(run: Run) -> Section | None:
    """Returns the verdict for each NetVLAD, and figures of the leading ones."""
    lines = _by_condition(run)
    if not lines:
        return None
    indices = {name: of for name in lines if len(of := _indices(lines[name]))}
    drawn = Gallery([_picture(run, name, lines[name]) for name in _leading(run, lines)])
    blocks: list[Block] = [_table(indices), drawn] if indices else [drawn]
    return Section("Clusters", blocks)


def claim(run: Run) -> list[str]:
    """Returns the verdict in a sentence for each NetVLAD that the report draws."""
    lines = _by_condition(run)
    sentences = []
    for name in _leading(run, lines):
        said = _row(name, _indices(lines[name]))
        if "verdict" in said:
            sentences.append(
                f"Clusters are related to emotions more than before training ({name}): "
                f"{said['verdict']}; difference {said['difference']} of the adjusted "
                f"Rand index, 95 % interval {said['95 % interval']}, p {said['p']}."
            )
    return sentences


def _table(indices: dict[str, np.ndarray]) -> Table:
    folds = min(map(len, indices.values()))
    columns = None if folds > 1 else 4  # one fold has no verdict
    rows = [dict([*_row(*of).items()][:columns]) for of in indices.items()]
    notes = [
        "The adjusted Rand index of an utterance's dominant cluster and its emotion, "
        "over the test utterances of a fold: 1 is a perfect match, 0 is chance. "
        "Clusters of sounds match emotions before any training, so a trained NetVLAD "
        "is compared with itself untrained, fold by fold. A difference can be real and "
        "still be small. p is not corrected."
    ]
    least = significance.least_p(folds, 1)
    if folds > 1 and least >= comparisons.LEVEL:
        notes.append(
            f"With {folds} folds the smallest p that can occur is "
            f"{text.probability(least)}: no difference can be told from chance."
        )
    title = "Are clusters related to emotions more than before training?"
    return Table(title, rows, {"verdict"}, notes)


def _row(name: str, indices: np.ndarray) -> dict[str, Cell]:
    untrained, trained = indices.mean(axis=0)
    gain = indices[:, 1] - indices[:, 0]
    cells: dict[str, Cell] = {
        "condition": name,
        "untrained": text.decimal(untrained),
        "trained": text.decimal(trained),
        "difference": text.decimal(trained - untrained),
    }
    if len(gain) > 1:
        p = significance.sign_flip(gain)
        verdict = comparisons.verdict(gain.mean(), p)
        interval = significance.interval(gain)
        cells["95 % interval"] = text.interval(interval, text.decimal)
        cells["p"] = text.probability(p)
        cells["verdict"] = Mark(facts.KINDS[verdict], verdict)
    return cells


def _by_condition(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Returns the lines of each condition that has some, in the report's order."""
    lines = defaultdict(list)
    for line in run.clusters:
        lines[line["condition"]].append(line)
    names = [c.name for c in facts.ordered(run.conditions)]
    return {name: lines[name] for name in names if name in lines}


def _leading(run: Run, lines: dict[str, Any]) -> list[str]:
    """Returns those that the report leads with or compares with; else the first."""
    references = {family["reference"] for family in run.summary["comparisons"]}
    leading = {facts.proposed(run).name, *references}
    return [name for name in lines if name in leading] or [*lines][:1]


def _picture(run: Run, name: str, lines: _Lines) -> Picture:
    # Clusters of two seeds have nothing in common but their numbers.
    seed = lines[0]["seed"]
    shares = clustering.profile([line for line in lines if line["seed"] == seed])
    return Picture(
        f"Clusters in time: {name}",
        "Stacked shares of the clusters over the time of an utterance, by emotion.",
        plot.draw(shares, run.summary["emotions"]),
        "Mean share of each cluster in each tenth of an utterance, over the folds of "
        f"seed {seed}. A cluster is taken to be the same in all of these folds, since "
        "they start from the same centers.",
    )


def _indices(lines: _Lines) -> np.ndarray:
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
