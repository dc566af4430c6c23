"""The comparison of several runs, say of several corpora."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting import families, overview, record
from launch.reporting.pages import KINDS, Block, Cell, Mark, Table
from launch.reporting.runs import Run
from vladser import text

_Labelled = Mapping[str, Run]  # by what the comparison calls it


def report(runs: Sequence[Run]) -> dict[str, Any]:
    """Returns what the runs have in common, side by side, see `pages.render`."""
    labels = [run.label for run in runs]
    if len({*labels}) < len(runs):  # their folders tell them apart
        labels = [f"{run.label} ({run.folder})" for run in runs]
    labelled = dict(zip(labels, runs, strict=True))
    return {
        "title": f"Speech emotion recognition on {text.names(labels)}",
        "subtitle": f"{text.count(len({run.folder for run in runs}), 'run')} compared",
        "lead": [],
        "sections": {
            "What the paper claims": _claims(labelled),
            "Conditions": [families.beside(labelled)],
            "Runs": _runs(labelled),
            "How to read this": record.how_to_read(),
        },
    }


def _claims(runs: _Labelled) -> list[Block]:
    """Returns claim by run: sign, difference and corrected p."""
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for label, run in runs.items():
        for verdict in run.verdicts:
            p = f"p\N{NO-BREAK SPACE}{text.probability(verdict.p_holm)}"
            difference = f"{text.points(verdict.difference)}, {p}"
            mark = Mark(KINDS[verdict.verdict], difference)
            row: dict[str, Cell] = {"claim": verdict.claim, "from": verdict.family}
            row |= dict.fromkeys(runs, text.NONE)
            rows.setdefault((verdict.claim, verdict.family), row)[label] = mark
    if not rows:
        return []
    notes = [
        "✓ supported: corrected p below 0.05 and the paper's sign; ✗ contradicted: "
        "below 0.05 and the opposite sign; ○ not distinguishable. Differences are in "
        "points of UA, positive in the paper's direction. p is corrected within a "
        "family of one run, not over the runs."
    ]
    warnings = [
        f"{label}: {sentence}"
        for label, run in runs.items()
        for sentence in overview.powerless(run.summary["comparisons"])
    ]
    caption = "The claims of the paper"
    return [*warnings, Table(caption, [*rows.values()], {"from", *runs}, notes)]


def _runs(runs: _Labelled) -> list[Block]:
    """Returns what tells the runs apart."""
    rows = [
        {
            "run": label,
            "folder": str(run.folder),
            "classes": ", ".join(run.summary["emotions"]),
            "protocol": run.protocol,
            "features": ", ".join(of["feature_set"] for of in run.features),
            "chance UA": text.percent(1 / len(run.summary["emotions"])),
        }
        for label, run in runs.items()
    ]
    cautions = [f"{label}: {run.caution}" for label, run in runs.items() if run.caution]
    note = "python -m launch.report FOLDER writes the full report of one of them."
    words = {"folder", "classes", "protocol", "features"}
    return [*cautions, Table("The runs", rows, words), note]
