"""The paper's tables and figures: each a family of conditions and its reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting.pages import Block, Cell, Picture, Table
from launch.reporting.runs import ConditionResults, Run
from vladser import metrics, systems, text
from vladser.condition import make, settings
from vladser.evaluation import paper
from vladser.plots import areas, lines

_Family = Mapping[str, Any]  # one of the summary's comparisons


def members(run: Run, family: _Family) -> list[ConditionResults]:
    """Returns the conditions of a family."""
    names = {family["reference"], *(d["condition"] for d in family["differences"])}
    return [c for c in run.conditions if c.name in names]


def heading(family: _Family) -> str:
    """Returns the name of a family and what it is about."""
    name = family["family"]
    titles = [family.title for family in paper.FAMILIES if name.startswith(family.name)]
    return ": ".join([name, *titles])


def section(run: Run, family: _Family) -> list[Block]:
    """Returns what a family's conditions differ by."""
    name, speakers = family["family"], text.count(family["speakers"], "speaker")
    rows = [
        {
            "condition": difference["condition"],
            "difference": text.points(difference["difference"]),
            "95 % interval": text.interval(difference["interval"], text.points),
            "p": text.probability(difference["p"]),
            "corrected p": text.probability(difference["p_holm"]),
        }
        for difference in family["differences"]
    ]
    notes = [
        f"Points of UA, condition minus reference, paired over {speakers}. Corrected "
        "after Holm; the smallest corrected p that can occur here is "
        f"{text.probability(family['least_p'])}."
    ]
    caption = f"{name}: differences from {family['reference']}"
    differences = Table(caption, rows, notes=notes)
    return [[_picture(run, family)], differences, *_cited(run, family)]


def _cited(run: Run, family: _Family) -> list[Block]:
    """Returns what Table 2 cites of the systems of a family, and of what."""
    rows, known = list[dict[str, Cell]](), False
    for c in members(run, family):
        if system := systems.find(c.system):
            cited, provenance, known = system.cited, system.provenance, True
        elif paper.proposes(c.system):
            cited = paper.PUBLISHED[paper.PROPOSED]
            provenance = "its own: all speech, four classes, ten speakers held out"
        else:
            cited, provenance = None, ""
        rows.append(
            {
                "system": c.name,
                "UA here": text.percent(c.ua),
                "95 % interval": text.interval(c.interval, text.percent),
                "Table 2": text.percent(cited),
                "what the figure in Table 2 is": provenance,
            }
        )
    if not known:
        return []
    note = (
        "The figures of Table 2 are of IEMOCAP, and of four different tasks: they are "
        "no targets for each other or for those here, which are of one protocol."
    )
    words = {"what the figure in Table 2 is"}
    return [Table("Table 2 beside this run", rows, words, [note])]


def _picture(run: Run, family: _Family) -> Picture:
    """Draws the UA of a family's conditions, a row each."""
    conditions, note = members(run, family), ""
    short = names(conditions)
    ua = [c.ua for c in conditions]
    published = [paper.PUBLISHED.get(c.system) for c in conditions]
    if any(published):
        note = " ".join(run.not_the_papers)
    whole = [c.name for c in conditions]
    reference = short[whole.index(family["reference"])]
    bounds = [c.interval for c in conditions]
    figure = lines.by_condition(short, ua, bounds, published, reference)
    points = zip(short, map(text.percent, ua), strict=True)
    described = "; ".join(f"{name} {point}" for name, point in points)
    title = f"{family['family']}: UA"
    return Picture(title, f"UA in percent: {described}.", figure, note)


def beside(runs: Mapping[str, Run]) -> Table:
    """Returns condition by run, or by part of a test set: UA and its interval."""
    every = dict.fromkeys(c.system for run in runs.values() for c in run.conditions)
    rows = {
        system: {"condition": name} | dict.fromkeys(runs, text.NONE)
        for system, name in zip(every, systems.names([*every]), strict=True)
    }
    for label, run in runs.items():
        for c in run.conditions:
            interval = text.interval(c.interval, text.percent)
            beside = f" ({interval})" if c.interval else ""
            rows[c.system][label] = text.percent(c.ua) + beside
    for system, row in rows.items():
        row["paper (IEMOCAP)"] = text.percent(paper.PUBLISHED.get(system))
    notes = ["Mean over the test speakers in percent, in brackets its 95 % interval."]
    return Table("UA of all conditions", [*rows.values()], notes=notes)


def confusions(run: Run) -> list[Block]:
    """Draws the confusions of the condition that the report leads with, and those of
    Figure 6 beside the same without smoothing."""
    shown = [run.proposed]
    for family in run.summary["comparisons"]:
        if family["family"].startswith("Figure 6"):
            of_figure = members(run, family)
            plain = make(
                **{**settings(of_figure[0].system), "smoothing": "none", "alpha": 0.0}
            )
            shown += [c for c in run.conditions if c.system == plain]
            shown += of_figure
    emotions, pictures = run.summary["emotions"], []
    for c in {c.name: c for c in shown}.values():
        recalls = map(text.percent, metrics.row_shares(c.confusion).diagonal())
        each = [f"{x} % of {e}" for x, e in zip(recalls, emotions, strict=True)]
        figure = areas.confusion(c.confusion, emotions, "")
        described = f"Recognized: {text.names(each)}."
        pictures.append(Picture(f"Confusions: {c.name}", described, figure))
    return [pictures]


def names(conditions: Sequence[ConditionResults]) -> list[str]:
    """Returns the names of the conditions without what they share."""
    whole = [c.name.split(", ") for c in conditions]
    shared = set(whole[0]).intersection(*whole[1:])
    short = [", ".join(word for word in of if word not in shared) for of in whole]
    return [name or c.name for name, c in zip(short, conditions, strict=True)]
