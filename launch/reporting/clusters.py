"""NetVLAD's clusters: where they go in time, and whether they match emotions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from launch.reporting import facts, text
from launch.reporting.blocks import Gallery, Mark, Picture, Section, Table, Text
from launch.reporting.runs import Run
from vladser.evaluation import clustering, comparisons, significance
from vladser.evaluation.comparisons import Verdict
from vladser.plots import clusters as clusters_plot

_Lines = Sequence[dict[str, Any]]  # of clusters.jsonl


class _Match(NamedTuple):
    """How well the clusters of a condition match the emotions.

    Attributes:
      untrained, trained: the mean adjusted Rand index over folds, before the first
        training step and after the last.
      folds: how many have both.
      verdict: of trained minus untrained; None for fewer than two folds.
    """

    untrained: float
    trained: float
    folds: int
    verdict: Verdict | None


def section(run: Run) -> Section | None:
    """The verdict for each NetVLAD, and figures of the ones that matter."""
    found = _by_condition(run)
    if not found:
        return None
    drawn = Gallery([_picture(run, name, found[name]) for name in _leading(run, found)])
    matches = {name: match for name in found if (match := _match(found[name]))}
    return Section("Clusters", [_table(matches), drawn] if matches else [drawn])


def claim(run: Run) -> list[Text]:
    """The verdict in a sentence for each NetVLAD that the report draws."""
    found = _by_condition(run)
    said = []
    for name in _leading(run, found):
        match = _match(found[name])
        if match and (verdict := match.verdict):
            said.append(
                Text(
                    f"Clusters are related to emotions more than before training "
                    f"({name}): {verdict.verdict}; adjusted Rand index "
                    f"{text.decimal(match.untrained)} before, "
                    f"{text.decimal(match.trained)} after, difference "
                    f"{text.decimal(verdict.difference)}, 95 % interval "
                    f"{text.interval(verdict.interval, text.decimal)}, "
                    f"p {text.probability(verdict.p_holm)}, not corrected."
                )
            )
    return said


def _table(matches: dict[str, _Match]) -> Table:
    judged = any(match.verdict for match in matches.values())
    header: tuple[str, ...] = ("condition", "untrained", "trained", "difference")
    header += ("95 % interval", "p", "verdict") if judged else ()
    notes = [
        "The adjusted Rand index of an utterance's dominant cluster and its emotion, "
        "over the test utterances of a fold: 1 is a perfect match, 0 is chance. "
        "Clusters of sounds match emotions before any training, so a trained NetVLAD "
        "is compared with itself untrained, fold by fold. A difference can be real and "
        "still be small. p is not corrected."
    ]
    folds = min(match.folds for match in matches.values())
    if judged and (least := significance.least_p(folds, 1)) >= comparisons.LEVEL:
        notes.append(
            f"With {folds} folds the smallest p that can occur is "
            f"{text.probability(least)}: no difference can be told from chance."
        )
    return Table(
        "Are clusters related to emotions more than before training?",
        header,
        [_row(name, match)[: len(header)] for name, match in matches.items()],
        words=frozenset({6}),
        notes=notes,
    )


def _row(name: str, match: _Match) -> tuple[str | Mark, ...]:
    means = match.untrained, match.trained, match.trained - match.untrained
    verdict = match.verdict
    return (
        name,
        *map(text.decimal, means),
        text.interval(verdict and verdict.interval, text.decimal),
        text.probability(verdict and verdict.p_holm),
        Mark(facts.KINDS[verdict.verdict], verdict.verdict) if verdict else text.NONE,
    )


def _by_condition(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The lines of each condition that has some, in the report's order."""
    found = defaultdict(list)
    for line in run.clusters:
        found[line["condition"]].append(line)
    names = [one["name"] for one in facts.ordered(run.summary["conditions"])]
    return {name: found[name] for name in names if name in found}


def _leading(run: Run, found: dict[str, Any]) -> list[str]:
    """Those that the report leads with or compares with; else the first."""
    references = {one["reference"] for one in run.summary["comparisons"]}
    leading = {facts.proposed(run)["name"], *references}
    return [name for name in found if name in leading] or [*found][:1]


def _picture(run: Run, name: str, lines: _Lines) -> Picture:
    # The clusters of two seeds have nothing in common but their numbers.
    seed = lines[0]["seed"]
    shares = clustering.profile([line for line in lines if line["seed"] == seed])
    return Picture(
        f"Clusters in time: {name}",
        "Stacked shares of the clusters over the time of an utterance, by emotion.",
        clusters_plot.draw(shares, run.summary["emotions"]),
        "Mean share of each cluster in each tenth of an utterance, over the folds of "
        f"seed {seed}. A cluster is taken to be the same in all of these folds, for "
        "they start from the same centers.",
    )


def _match(lines: _Lines) -> _Match | None:
    """None of a single cluster, and where no fold has an index."""
    by_fold = defaultdict(list)
    for line in lines:
        pair = line["untrained_rand"], line["adjusted_rand"]
        if _clusters(line) > 1 and None not in pair:
            by_fold[line["fold"]].append(pair)
    if not by_fold:
        return None
    folds = np.array([np.mean(pairs, axis=0) for pairs in by_fold.values()])
    untrained, trained = folds.T
    verdict = comparisons.match(trained - untrained)
    return _Match(untrained.mean(), trained.mean(), len(folds), verdict)


def _clusters(line: dict[str, Any]) -> int:
    """K."""
    return next(len(shares) for shares in line["assignment"] if shares is not None)
