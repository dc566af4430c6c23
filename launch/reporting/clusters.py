"""NetVLAD's clusters: where they go in time, and whether they match emotions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from launch.reporting import facts, text
from launch.reporting.blocks import Gallery, Mark, Picture, Section, Table, Text
from launch.reporting.runs import Run
from vladser import clustering, comparisons, plots
from vladser.comparisons import Verdict

_Lines = Sequence[dict[str, Any]]  # of clusters.jsonl


def section(run: Run) -> Section | None:
    """The verdict for each NetVLAD, and figures of the ones that matter."""
    found = _by_condition(run)
    if not found:
        return None
    drawn = Gallery([_picture(run, name, found[name]) for name in _leading(run, found)])
    matches = {name: match for name in found if (match := _match(found[name]))}
    table = Table(
        "Do clusters match emotions?",
        ("condition", "adjusted Rand index", "95 % interval", "p", "verdict"),
        [
            (
                name,
                text.decimal(match.difference),
                text.decimals(match.interval),
                text.probability(match.p_holm),
                Mark(facts.KINDS[match.verdict], match.verdict),
            )
            for name, match in matches.items()
        ],
        words=frozenset({4}),
        notes=[
            "The adjusted Rand index of an utterance's dominant cluster and its "
            "emotion, over the test utterances of a fold: 1 is a perfect match, 0 is "
            "chance. An index can differ from chance and still be small. p is not "
            "corrected."
        ],
    )
    return Section("Clusters", [table, drawn] if matches else [drawn])


def claim(run: Run) -> list[Text]:
    """The verdict in a sentence for each NetVLAD that the report draws."""
    found = _by_condition(run)
    said = []
    for name in _leading(run, found):
        if match := _match(found[name]):
            said.append(
                Text(
                    f"{match.claim} ({name}): {match.verdict}; adjusted Rand index "
                    f"{text.decimal(match.difference)}, 95 % interval "
                    f"{text.decimals(match.interval)}, "
                    f"p {text.probability(match.p_holm)}, not corrected."
                )
            )
    return said


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
    # The folds of a seed start from the same clusters, those of two seeds do not.
    seed = lines[0]["seed"]
    shares = clustering.profile([line for line in lines if line["seed"] == seed])
    return Picture(
        f"Clusters in time: {name}",
        "Stacked shares of the clusters over the time of an utterance, by emotion.",
        plots.clusters(shares, run.summary["emotions"]),
        "Mean share of each cluster in each tenth of an utterance, over the folds of "
        f"seed {seed}.",
    )


def _match(lines: _Lines) -> Verdict | None:
    by_fold = defaultdict(list)
    for line in lines:
        if line["adjusted_rand"] is not None:
            by_fold[line["fold"]].append(line["adjusted_rand"])
    return comparisons.match([np.mean(one) for one in by_fold.values()])
