"""What a run found: its headline, the paper's claims, the table of conditions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from launch.reporting import clusters, facts, text
from launch.reporting.blocks import Block, Mark, Section, Table, Text
from launch.reporting.runs import Run
from vladser.evaluation import comparisons


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
        budget = text.names(facts.budget(run))
        said.append(f"After {budget}, of {_counted(verdicts)}.")
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
                text.interval(one.interval, text.points),
                text.probability(one.p_holm),
                one.family,
            )
            for one in verdicts
        ],
        words=frozenset({1, 5}),
        notes=[
            "Differences are in points of UA, positive in the paper's direction. "
            "Supported: corrected p below 0.05 and the paper's sign; contradicted: "
            "below 0.05 and the opposite sign.",
            *compared_seeds(run),
        ],
    )
    blocks: list[Block] = [*powerless(summary["comparisons"]), table, *of_clusters]
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
    folds = not all(map(facts.folds_are_speakers, every))
    lost = facts.lost_seeds(run)
    spread = any(c["ua"]["std_over_seeds"] is not None for c in every)
    paper = any(facts.published(c) is not None for c in every)
    where = "paper" if facts.is_papers_corpus(run) else "paper (IEMOCAP)"
    known = [
        ("condition", True, lambda c: c["name"]),
        ("seeds", lost, lambda c: f"{len(c['seeds'])}"),
        ("UA", True, lambda c: text.percent(facts.ua(c))),
        (
            "95 % interval",
            True,
            lambda c: text.interval(c["ua"]["interval"], text.percent),
        ),
        ("UA by fold", folds, lambda c: text.percent(c["ua"]["mean_of_folds"])),
        ("sd over seeds", spread, lambda c: text.percent(c["ua"]["std_over_seeds"])),
        ("pooled UA", True, lambda c: text.percent(c["ua"]["pooled"])),
        ("WA", True, lambda c: text.percent(c["wa"]["mean_of_folds"])),
        ("pooled WA", True, lambda c: text.percent(c["wa"]["pooled"])),
        (where, paper, lambda c: text.percent(facts.published(c))),
    ]
    columns = {name: cell for name, shown, cell in known if shown}
    notes = [
        (
            "In percent, means over the seeds. UA: mean over the test speakers. UA by "
            "fold, the sd over seeds and WA: of means over folds."
            if folds
            else "UA and WA in percent: means over folds, then seeds."
        )
        + " Pooled: of the confusion matrix of all folds."
    ]
    if lost:
        notes.append(
            "A seed of which a training failed counts in no mean of its condition."
        )
    notes += compared_seeds(run)
    if paper:
        notes += [f"The paper's figures are of {what}." for what in facts.apart(run)]
    rows = [tuple(cell(c) for cell in columns.values()) for c in every]
    table = Table("All conditions", tuple(columns), rows, notes=notes)
    return Section("Conditions", [table])


def compared_seeds(run: Run) -> list[str]:
    """Over which seeds differences are, where some conditions have lost some."""
    if not facts.lost_seeds(run):
        return []
    common = [f"{seed}" for seed in facts.seeds(run)]
    if not common:
        return ["No seed is left in all conditions, so that nothing is compared."]
    left = text.names(common)
    return [f"Differences are over the seeds left in all conditions: {left}."]


def with_interval(run: Run, condition: facts.CONDITION) -> str:
    """Its UA, and where there is one, the interval of it."""
    said = f"{text.percent(facts.ua(condition))} %"
    interval = condition["ua"]["interval"]
    if interval is None:
        return said
    speakers = text.count(facts.speakers(run), "speaker")
    return f"{said} (95 % interval {text.interval(interval, text.percent)}, {speakers})"


def _counted(verdicts: Sequence[comparisons.Verdict]) -> str:
    counts = Counter(one.verdict for one in verdicts)
    each = text.names([f"{counts[verdict]} {verdict}" for verdict in facts.KINDS])
    return f"{text.count(len(verdicts), 'claim')} of the paper: {each}"
