"""From several runs, say of several corpora, to one comparison."""

from collections import Counter
from collections.abc import Mapping, Sequence

from launch.reporting import facts, families, overview, record, text
from launch.reporting.blocks import Document, Gallery, Mark, Section, Table, Text
from launch.reporting.runs import Run
from vladser.evaluation import comparisons

Labelled = Mapping[str, Run]  # by what the comparison calls it


def report(runs: Sequence[Run]) -> Document:
    """What the runs have in common, side by side, and each one's headline."""
    labelled = dict(zip(_labels(runs), runs, strict=True))
    sections = [
        _headlines(labelled),
        _claims(labelled),
        _conditions(labelled),
        *_families(labelled),
        _runs(labelled),
        record.how_to_read(),
    ]
    return Document(
        title=f"Speech emotion recognition on {text.names([*labelled])}",
        subtitle=f"{text.count(len(runs), 'run')} compared",
        lead=[],
        sections=[section for section in sections if section],
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """The corpus of each, with its folder where that is needed to tell them apart."""
    corpora = [facts.corpus(run) for run in runs]
    named = [f"{facts.corpus(run)} ({run.folder.absolute().name})" for run in runs]
    placed = [f"{facts.corpus(run)} ({run.folder})" for run in runs]
    labels = [
        one if Counter(corpora)[one] == 1 else other
        for one, other in zip(corpora, named, strict=True)
    ]
    return labels if len({*labels}) == len(runs) else placed


def _headlines(runs: Labelled) -> Section:
    """What each run's own report leads with."""
    rows = []
    for label, run in runs.items():
        first = facts.proposed(run)
        rows.append(
            (
                label,
                first["name"],
                text.percent(facts.ua(first)),
                text.interval(first["ua"]["interval"], text.percent),
                f"{facts.speakers(run)}",
                text.percent(1 / len(run.summary["emotions"])),
                text.percent(facts.majority(first)),
            )
        )
    header = ("run", "condition", "UA", "95 % interval", "test speakers", "chance UA")
    table = Table(
        "The system that the paper proposes, or else the condition of the highest UA",
        (*header, "majority WA"),
        rows,
        words=frozenset({1}),
        notes=["In percent. Majority: always answering the most frequent class."],
    )
    return Section("Results", [table])


def _claims(runs: Labelled) -> Section | None:
    """Claim by run: sign, difference and corrected p."""
    found: dict[tuple[str, str], dict[str, Mark]] = {}
    for label, run in runs.items():
        summary = run.summary
        for one in comparisons.verdicts(summary["comparisons"], summary["conditions"]):
            p = f"p\N{NO-BREAK SPACE}{text.probability(one.p_holm)}"
            said = f"{text.points(one.difference)}, {p}"
            mark = Mark(facts.KINDS[one.verdict], said)
            found.setdefault((one.claim, one.family), {})[label] = mark
    if not found:
        return None
    rows = [
        (*claim, *(cells.get(label, text.NONE) for label in runs))
        for claim, cells in found.items()
    ]
    table = Table(
        "The claims of the paper",
        ("claim", "from", *runs),
        rows,
        words=frozenset(range(1, len(runs) + 2)),
        notes=[
            "✓ supported: corrected p below 0.05 and the paper's sign; ✗ contradicted: "
            "below 0.05 and the opposite sign; ○ not distinguishable. Differences are "
            "in points of UA, positive in the paper's direction. p is corrected within "
            "a family of one run, not over the runs."
        ],
    )
    blunt = [
        Text(f"{label}: {said.text}")
        for label, run in runs.items()
        for said in overview.powerless(run.summary["comparisons"])
    ]
    return Section("What the paper claims", [*blunt, table])


def _conditions(runs: Labelled) -> Section:
    """Condition by run: UA and its interval."""
    conditions = [one for run in runs.values() for one in run.summary["conditions"]]
    every = {one["name"]: one for one in facts.ordered(conditions)}
    rows = [
        (
            name,
            *(_cell(run, name) for run in runs.values()),
            text.percent(facts.published(one)),
        )
        for name, one in every.items()
    ]
    table = Table(
        "UA of all conditions",
        ("condition", *runs, "paper (IEMOCAP)"),
        rows,
        notes=[
            "Mean over the test speakers in percent, in brackets its 95 % interval "
            "over them."
        ],
    )
    return Section("Conditions", [table])


def _cell(run: Run, name: str) -> str:
    for one in run.summary["conditions"]:
        if one["name"] == name:
            interval = one["ua"]["interval"]
            said = f" ({text.interval(interval, text.percent)})" if interval else ""
            return text.percent(facts.ua(one)) + said
    return text.NONE


def _families(runs: Labelled) -> list[Section]:
    """The figure of each run for each family that some run has."""
    pictures: dict[str, list] = {}
    for label, run in runs.items():
        for family in run.summary["comparisons"]:
            shown = families.picture(run, family, f"{label}, ")
            pictures.setdefault(family["family"], []).append(shown)
    return [
        Section(families.heading(name), [Gallery(shown)])
        for name, shown in pictures.items()
    ]


def _runs(runs: Labelled) -> Section:
    """What tells the runs apart, and how sound they are."""
    rows = []
    for label, run in runs.items():
        levels = Counter(one["level"] for one in run.findings)
        audit = ", ".join(text.count(levels[one], one) for one in ("error", "warning"))
        rows.append(
            (
                label,
                str(run.folder),
                ", ".join(run.summary["emotions"]),
                facts.protocol(run),
                audit if run.findings else text.NONE,
                f"{run.dataset['utterances']:,}" if run.dataset else text.NONE,
            )
        )
    table = Table(
        "The runs",
        ("run", "folder", "classes", "protocol", "audit", "utterances"),
        rows,
        words=frozenset({1, 2, 3, 4}),
    )
    said = Text("python -m launch.report FOLDER writes the full report of one of them.")
    return Section("Runs", [table, said])
