"""The report of one run: its headline, the paper's claims, the table of conditions, and
all the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting import details, families, pages, record
from launch.reporting.pages import KINDS, Block, Cell, Mark, Table
from launch.reporting.runs import ConditionResults, Run
from vladser import metrics, text
from vladser.evaluation import comparisons, independence, paper
from vladser.metrics import METRICS


def report(parts: Sequence[Run]) -> dict[str, Any]:
    """Returns the report of one run, see `pages.render`; a section that the run has no
    data for is empty.

    Args:
      parts: the run as of each part of its test set. Each has results of its own, which
        are not averaged; what was trained is the same.
    """
    run, *_ = parts
    date = run.environment.get("date")
    tested = [pages.within(part.part, _results(part)) for part in parts]
    return {
        "title": f"Speech emotion recognition on {run.corpus}",
        "subtitle": "; ".join(
            [*(part.protocol for part in parts), *([date[:10]] if date else [])]
        ),
        "lead": [paragraph for part in parts for paragraph in _lead(part)],
        "sections": {
            "Test parts": _parts(parts),
            **{title: blocks for of in tested for title, blocks in of.items()},
            "Training": details.curves(run),
            "Clusters": details.clusters(run),
            "Protocol": record.certificate(run),
            "Skipped and failed": record.losses(run),
            "To repeat it": record.repeat(run),
            "How to read this": record.how_to_read(),
        },
    }


def _parts(parts: Sequence[Run]) -> list[Block]:
    """Returns the parts of the test set side by side, if there are several."""
    return [families.beside({f"{of.part}": of for of in parts})] if parts[1:] else []


def _results(run: Run) -> dict[str, list[Block]]:
    """Returns the sections on what the test has shown."""
    return {
        "What the paper claims": _claims(run),
        "Conditions": _conditions(run),
        **{
            families.heading(family): families.section(run, family)
            for family in run.summary["comparisons"]
        },
        "Confusions": families.confusions(run),
        "Speakers": details.speakers(run),
    }


def _lead(run: Run) -> list[str]:
    """Returns the result in a few short paragraphs."""
    first, best = run.proposed, run.highest
    papers = paper.proposes(first.system)
    whose = ", the system that the paper proposes" if papers else ""
    chance = text.percent(1 / len(run.summary["emotions"]))
    majority = metrics.majority(first.confusion)
    ua, wa = text.percent(metrics.ua(majority)), text.percent(metrics.wa(majority))
    on = f" on {run.part}" if run.part else ""
    paragraphs = [
        f"Unweighted accuracy{on} {_with_interval(first)} with {first.name}{whose}.",
        f"Chance is {chance} %. Always answering the most frequent class gives {ua} % "
        f"UA and {wa} % WA.",
    ]
    if run.caution:
        paragraphs.insert(1, run.caution)
    count = text.count(len(run.conditions), "condition")
    flatters = "a figure that flatters, since it was picked by its result."
    if best is not first:
        paragraphs.append(
            f"The highest of {count}, {_with_interval(best)}, is {best.name}: "
            f"{flatters}"
        )
    elif len(run.conditions) > 1 and not papers:
        paragraphs.append(f"This is the highest of {count}: {flatters}")
    return paragraphs


def _claims(run: Run) -> list[Block]:
    """Returns a verdict for each claim of the paper that the run can judge."""
    rows: list[dict[str, Cell]] = [
        {
            "claim": verdict.claim,
            "verdict": Mark(KINDS[verdict.verdict], verdict.verdict),
            "difference": text.points(verdict.difference),
            "95 % interval": text.interval(verdict.interval, text.points),
            "corrected p": text.probability(verdict.p_holm),
            "from": verdict.family,
        }
        for verdict in run.verdicts
    ]
    if not rows:
        return []
    notes = [
        "Differences are in points of UA, positive in the paper's direction. "
        "Supported: corrected p below 0.05 and the paper's sign; contradicted: below "
        "0.05 and the opposite sign."
    ]
    claims = Table("The claims of the paper", rows, {"verdict", "from"}, notes)
    return [*powerless(run.summary["comparisons"]), claims]


def powerless(compared: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns a warning for the families in which no comparison can be significant."""
    weak = [family for family in compared if family["least_p"] >= comparisons.LEVEL]
    if not weak:
        return []
    speakers = text.count(weak[0]["speakers"], "speaker")
    least = [f"{text.probability(f['least_p'])} in {f['family']}" for f in weak]
    return [
        f"With {speakers} the smallest corrected p that can occur is "
        f"{text.names(least)}: no difference there can be told from chance, whatever "
        "its size."
    ]


def _conditions(run: Run) -> list[Block]:
    """Returns all conditions, every metric, and the paper's figures beside ours."""
    every, left = run.conditions, run.seeds
    lost = any(c.seeds != left for c in every)
    folds = any(abs(c.ua - c.metrics["ua"]["mean_of_folds"]) > 1e-9 for c in every)

    def row(c: ConditionResults) -> dict[str, str]:
        ua = c.metrics["ua"]
        cells = {
            "condition": c.name,
            "seeds": f"{len(c.seeds)}" if lost else text.NONE,
            "UA": text.percent(c.ua),
            "95 % interval": text.interval(c.interval, text.percent),
            "UA of new speakers": text.percent(independence.of_new(c.speakers)),
            "UA by fold": text.percent(ua["mean_of_folds"] if folds else None),
            "sd over seeds": text.percent(ua["std_over_seeds"]),
            "pooled UA": text.percent(ua["pooled"]),
        }
        for key, metric in [*METRICS.items()][1:]:
            averages = c.metrics.get(key, {})
            cells[metric.name] = text.percent(averages.get("mean_of_folds"))
            cells[f"pooled {metric.name}"] = text.percent(averages.get("pooled"))
        published = text.percent(paper.PUBLISHED.get(c.system))
        return cells | {"paper (IEMOCAP)": published}

    names = text.names([metric.name for metric in METRICS.values()])
    notes = [
        f"{names} in percent: means over folds, then seeds. "
        + "But UA and its interval are of the mean over the test speakers. " * folds
        + "Pooled: of the confusion matrix of all folds."
    ]
    if lost:
        notes.append(
            "A seed of which a training failed counts in no mean of its condition; "
            f"differences are over the seeds left in all conditions: "
            f"{text.few(map(str, left)) or 'none'}."
        )
    if any(c.system in paper.PUBLISHED for c in every):
        notes += run.not_the_papers
    return [Table("All conditions", [*map(row, every)], notes=notes)]


def _with_interval(condition: ConditionResults) -> str:
    ua = f"{text.percent(condition.ua)} %"
    speakers = text.count(len(condition.speakers), "speaker")
    if condition.interval is None:
        return f"{ua} ({speakers}: too few for an interval)"
    interval = text.interval(condition.interval, text.percent)
    return f"{ua} (95 % interval {interval}, {speakers})"
