"""The comparison of several runs, say of several corpora."""

from collections import Counter
from collections.abc import Mapping, Sequence

from launch.reporting import facts, families, overview, record
from launch.reporting.document import (
    Cell,
    Document,
    Gallery,
    Mark,
    Picture,
    Section,
    Table,
)
from launch.reporting.runs import Run
from vladser import text
from vladser.evaluation import paper

_Labelled = Mapping[str, Run]  # by what the comparison calls it


def report(runs: Sequence[Run]) -> Document:
    """Returns what the runs have in common, side by side, and each one's headline."""
    labelled = dict(zip(_labels(runs), runs, strict=True))
    sections = [
        _headlines(labelled),
        _claims(labelled),
        _conditions(labelled),
        *_families(labelled),
        _runs(labelled),
        record.how_to_read(*runs),
    ]
    return Document(
        title=f"Speech emotion recognition on {text.names([*labelled])}",
        subtitle=f"{text.count(len(runs), 'run')} compared",
        lead=[],
        sections=[section for section in sections if section],
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """Returns the corpora, with their folders where that tells the runs apart."""
    corpora = [facts.corpus(run) for run in runs]
    named = [f"{facts.corpus(run)} ({run.folder.absolute().name})" for run in runs]
    placed = [f"{facts.corpus(run)} ({run.folder})" for run in runs]
    return next(x for x in (corpora, named, placed) if len({*x}) == len(runs))


def _headlines(runs: _Labelled) -> Section:
    """Returns what each run's own report leads with."""
    leading = {label: facts.proposed(run) for label, run in runs.items()}
    rows = [
        {
            "run": label,
            "condition": c.name,
            "UA": text.percent(c.ua),
            "95 % interval": text.interval(c.interval, text.percent),
            "test speakers": f"{len(c.speakers)}",
            "chance UA": facts.chance(c),
            "majority WA": facts.majority(c, "wa"),
        }
        for label, c in leading.items()
    ]
    title = "The system that the paper proposes, or else the one of the highest UA"
    notes = ["In percent. Majority: always answering the most frequent class."]
    return Section("Results", [Table(title, rows, {"condition"}, notes)])


def _claims(runs: _Labelled) -> Section | None:
    """Returns claim by run: sign, difference and corrected p."""
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for label, run in runs.items():
        for verdict in facts.verdicts(run):
            p = f"p\N{NO-BREAK SPACE}{text.probability(verdict.p_holm)}"
            said = f"{text.points(verdict.difference)}, {p}"
            mark = Mark(facts.KINDS[verdict.verdict], said)
            row: dict[str, Cell] = {"claim": verdict.claim, "from": verdict.family}
            row |= dict.fromkeys(runs, text.NONE)
            rows.setdefault((verdict.claim, verdict.family), row)[label] = mark
    notes = [
        "✓ supported: corrected p below 0.05 and the paper's sign; ✗ contradicted: "
        "below 0.05 and the opposite sign; ○ not distinguishable. Differences are in "
        "points of UA, positive in the paper's direction. p is corrected within a "
        "family of one run, not over the runs."
    ]
    table = Table("The claims of the paper", [*rows.values()], {"from", *runs}, notes)
    blunt = [
        f"{label}: {sentence}"
        for label, run in runs.items()
        for sentence in overview.powerless(run.summary["comparisons"])
    ]
    return Section("What the paper claims", [*blunt, table]) if rows else None


def _conditions(runs: _Labelled) -> Section:
    """Returns condition by run: UA and its interval."""
    every = {c.name: c for run in runs.values() for c in run.conditions}
    rows = {
        c.name: {"condition": c.name} | dict.fromkeys(runs, text.NONE)
        for c in facts.ordered([*every.values()])
    }
    for label, run in runs.items():
        for c in run.conditions:
            interval = text.interval(c.interval, text.percent)
            beside = f" ({interval})" if c.interval else ""
            rows[c.name][label] = text.percent(c.ua) + beside
    for name, row in rows.items():
        row["paper (IEMOCAP)"] = text.percent(paper.PUBLISHED.get(every[name].system))
    notes = ["Mean over the test speakers in percent, in brackets its 95 % interval."]
    table = Table("UA of all conditions", [*rows.values()], notes=notes)
    return Section("Conditions", [table])


def _families(runs: _Labelled) -> list[Section]:
    """Returns the figure of each run for each family that some run has."""
    pictures: dict[str, list[Picture]] = {}
    for label, run in runs.items():
        for family in run.summary["comparisons"]:
            shown = families.picture(run, family, f"{label}, ")
            pictures.setdefault(family["family"], []).append(shown)
    return [
        Section(families.heading(name), [Gallery(shown)])
        for name, shown in pictures.items()
    ]


def _runs(runs: _Labelled) -> Section:
    """Returns what tells the runs apart, and how sound they are."""
    rows = []
    for label, run in runs.items():
        utterances = run.dataset.get("utterances")
        levels = Counter(finding["level"] for finding in run.findings)
        audit = [text.count(levels[name], name) for name in ("error", "warning")]
        rows.append(
            {
                "run": label,
                "folder": str(run.folder),
                "classes": ", ".join(run.summary["emotions"]),
                "protocol": facts.protocol(run),
                "audit": ", ".join(audit) if run.findings else text.NONE,
                "utterances": f"{utterances:,}" if utterances else text.NONE,
            }
        )
    words = {"folder", "classes", "protocol", "audit"}
    note = "python -m launch.report FOLDER writes the full report of one of them."
    return Section("Runs", [Table("The runs", rows, words), note])
