"""What a run found: its headline, the paper's claims, the table of conditions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from launch.reporting import clusters, facts, text
from launch.reporting.blocks import Mark, Section, Table, Text
from launch.reporting.runs import Run
from vladser import comparisons


def lead(run: Run) -> list[str]:
    """The result in a few short paragraphs."""
    first, best = facts.proposed(run), facts.highest(run)
    every = run.summary["conditions"]
    spoken = np.sum(first["confusion"], axis=1)
    said = [
        f"Unweighted accuracy {with_interval(run, first)} with {first['name']}"
        + (
            ", the system that the paper proposes." if facts.is_proposed(first) else "."
        ),
        f"Chance is {text.percent(1 / len(spoken))} %. Always answering the most "
        f"frequent class gives {text.percent(1 / np.count_nonzero(spoken))} % UA and "
        f"{text.percent(facts.majority(first))} % WA.",
    ]
    if best is not first:
        said.append(
            f"The highest of {text.count(len(every), 'condition')}, "
            f"{with_interval(run, best)}, is {best['name']}: a figure that flatters, "
            "for it was picked by its result."
        )
    if verdicts := comparisons.verdicts(run.summary["comparisons"], every):
        said.append(f"Of {_counted(verdicts)}.")
    return said


def claims(run: Run) -> Section | None:
    """A verdict for each claim of the paper that the run can judge."""
    summary = run.summary
    verdicts = comparisons.verdicts(summary["comparisons"], summary["conditions"])
    of_clusters = clusters.claim(run)
    if not verdicts:
        return Section("What the paper claims", of_clusters) if of_clusters else None
    table = Table(
        "The claims of the paper",
        ("claim", "verdict", "difference", "95 % interval", "corrected p", "from"),
        [
            (
                one.claim,
                Mark(facts.KINDS[one.verdict], one.verdict),
                text.points(one.difference),
                text.pointss(one.interval),
                text.probability(one.p_holm),
                one.family,
            )
            for one in verdicts
        ],
        words=frozenset({1, 5}),
        notes=[
            "Differences are in points of UA, positive in the paper's direction. "
            "Supported: corrected p below 0.05 and the paper's sign; contradicted: "
            "below 0.05 and the opposite sign."
        ],
    )
    blocks = [*powerless(summary["comparisons"]), table, *of_clusters]
    return Section("What the paper claims", blocks)


def powerless(families: Sequence[Mapping[str, Any]]) -> list[Text]:
    """What to think of the families in which no comparison can come out as real."""
    blunt = [family for family in families if family["least_p"] >= 0.05]
    if not blunt:
        return []
    speakers = text.count(blunt[0]["speakers"], "speaker")
    least = text.names(
        [f"{text.probability(one['least_p'])} in {one['family']}" for one in blunt]
    )
    return [
        Text(
            f"With {speakers} the smallest corrected p that can occur is {least}: no "
            "difference there can be told from chance, whatever its size."
        )
    ]


def conditions(run: Run) -> Section:
    """All conditions, the paper's figures beside ours."""
    every = facts.ordered(run.summary["conditions"])
    # By default a fold is a speaker, and the two means are one.
    speakers = any(abs(facts.ua(c) - c["ua"]["mean_of_folds"]) > 1e-9 for c in every)
    seeds = any(c["ua"]["std_over_seeds"] is not None for c in every)
    paper = any(facts.published(c) is not None for c in every)
    where = "paper" if facts.is_papers_corpus(run) else "paper (IEMOCAP)"
    columns = {
        "condition": lambda c: c["name"],
        "UA": lambda c: text.percent(c["ua"]["mean_of_folds"]),
        **({"UA by speaker": lambda c: text.percent(facts.ua(c))} if speakers else {}),
        "95 % interval": lambda c: text.percents(c["ua"]["interval"]),
        **(
            {"sd over seeds": lambda c: text.percent(c["ua"]["std_over_seeds"])}
            if seeds
            else {}
        ),
        "pooled UA": lambda c: text.percent(c["ua"]["pooled"]),
        "WA": lambda c: text.percent(c["wa"]["mean_of_folds"]),
        "pooled WA": lambda c: text.percent(c["wa"]["pooled"]),
        **({where: lambda c: text.percent(facts.published(c))} if paper else {}),
    }
    notes = [
        "UA and WA in percent: means over folds, then seeds. Pooled: of the confusion "
        "matrix of all folds."
    ]
    if paper and not facts.is_papers_corpus(run):
        notes.append("The paper's figures are of IEMOCAP, another corpus than this.")
    rows = [tuple(cell(c) for cell in columns.values()) for c in every]
    table = Table("All conditions", tuple(columns), rows, notes=notes)
    return Section("Conditions", [table])


def with_interval(run: Run, condition: facts.CONDITION) -> str:
    """Its UA and, where there is one, the interval."""
    said = f"{text.percent(condition['ua']['mean_of_folds'])} %"
    interval = condition["ua"]["interval"]
    if interval is None:
        return said
    speakers = text.count(facts.speakers(run), "speaker")
    return f"{said} (95 % interval {text.percents(interval)}, {speakers})"


def _counted(verdicts: Sequence[comparisons.Verdict]) -> str:
    counts = Counter(one.verdict for one in verdicts)
    each = text.names([f"{counts[verdict]} {verdict}" for verdict in facts.KINDS])
    return f"{text.count(len(verdicts), 'claim')} of the paper: {each}"
