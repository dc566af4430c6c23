"""The paper's tables and figures: each a family of conditions and its reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting import facts, overview
from launch.reporting.document import Block, Gallery, Picture, Section, Table
from launch.reporting.runs import Condition, Run
from vladser import metrics, text
from vladser.condition import make
from vladser.evaluation import paper
from vladser.plots import confusion, intervals, lines

_Family = Mapping[str, Any]  # one of the summary's comparisons


def members(run: Run, family: _Family) -> list[Condition]:
    """Returns the conditions of a family, see `facts.ordered`."""
    names = {family["reference"], *(d["condition"] for d in family["differences"])}
    return facts.ordered([c for c in run.conditions if c.name in names])


def heading(name: str) -> str:
    """Returns the name of a family and what it is about."""
    titles = [family.title for family in paper.FAMILIES if name.startswith(family.name)]
    return ": ".join([name, *titles])


def picture(run: Run, family: _Family, run_name: str = "") -> Picture:
    """Draws a family's conditions beside each other.

    Args:
      run: the run that has compared the family.
      family: one of the summary's comparisons.
      run_name: goes before the title, where a document shows a family of several runs.

    Returns:
      UA by the strength of smoothing, where the conditions differ by that alone; else
      a row a condition.
    """
    conditions, note = members(run, family), ""
    short = names(conditions)
    ua = [c.ua for c in conditions]
    if curves := _curves(conditions):
        figure = lines.draw(*curves)
    else:
        published = [paper.PUBLISHED.get(c.system) for c in conditions]
        if any(published):
            different = facts.differences_from_paper(run)
            note = " ".join(f"The paper's figures are of {what}." for what in different)
        reference = short[conditions.index(facts.named(run, family["reference"]))]
        bounds = [c.interval for c in conditions]
        figure = intervals.draw(short, ua, bounds, published, reference)
    points = zip(short, map(text.percent, ua), strict=True)
    described = "; ".join(f"{name} {point}" for name, point in points)
    title = f"{run_name}{family['family']}: UA"
    return Picture(title, f"UA in percent: {described}.", figure, note)


def section(run: Run, family: _Family) -> Section:
    """Returns what a family's conditions differ by."""
    name, speakers = family["family"], text.count(family["speakers"], "speaker")
    rows = [
        {
            "condition": facts.named(run, difference["condition"]).name,
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
        f"{text.probability(family['least_p'])}.",
        *overview.compared_seeds(run),
    ]
    caption = f"{name}: differences from {family['reference']}"
    differences = Table(caption, rows, notes=notes, beside=picture(run, family))
    blocks: list[Block] = [differences, *overview.powerless([family])]
    if name.startswith("Table 2"):
        blocks.append(_systems(run, family))
    return Section(heading(name), blocks)


def confusions(run: Run) -> Section:
    """Draws the confusions of the condition that the report leads with, and those of
    Figure 6 beside the same without smoothing."""
    shown = [facts.proposed(run)]
    for family in run.summary["comparisons"]:
        if family["family"].startswith("Figure 6"):
            of_figure = members(run, family)
            said = {**of_figure[0].settings, "smoothing": "none", "alpha": 0.0}
            shown += [c for c in run.conditions if c.system == make(**said)]
            shown += of_figure
    emotions, pictures = run.summary["emotions"], []
    for c in {c.name: c for c in shown}.values():
        recalls = map(text.percent, metrics.row_shares(c.confusion).diagonal())
        each = [f"{x} % of {e}" for x, e in zip(recalls, emotions, strict=True)]
        figure = confusion.draw(c.confusion, emotions, "")
        described = f"Recognized: {text.names(each)}."
        pictures.append(Picture(f"Confusions: {c.name}", described, figure))
    return Section("Confusions", [Gallery(pictures)])


def _systems(run: Run, family: _Family) -> Table:
    """Returns Table 2 of the paper: its system, the others that it names, and ours."""
    different = facts.differences_from_paper(run)
    here = f"proposed, here on {facts.corpus(run)}" if different else "proposed, here"
    systems = {
        **paper.OTHERS,
        "proposed, as published": paper.PUBLISHED.get(paper.PROPOSED),
        here: facts.named(run, family["reference"]).ua,
    }
    rows = [{"system": name, "UA": text.percent(ua)} for name, ua in systems.items()]
    caption = f"{family['family']}: published systems, UA"
    notes = [
        f"All but the last are of {what}, and cannot be compared with it."
        for what in different
    ]
    return Table(caption, rows, notes=notes)


def names(conditions: Sequence[Condition]) -> list[str]:
    """Returns the names of the conditions without what they share."""
    whole = [c.name for c in conditions]
    poolings = [c.settings["aggregator"] for c in conditions]
    if len({*map(_smoothing, conditions)}) == 1:
        short = poolings
    elif len({*poolings}) == 1:
        short = [name.removeprefix(poolings[0]).lstrip(", ") for name in whole]
    else:
        short = whole
    return short if len({*short}) == len(short) else whole


def _smoothing(condition: Condition) -> tuple[str, float]:
    said = condition.settings
    return said.get("smoothing", "none"), said.get("alpha", 0.0)


def _curves(conditions: Sequence[Condition]) -> tuple | None:
    """Returns the arguments of `plots.lines`, where the conditions differ by the
    strength of the smoothing alone."""
    by = {_smoothing(c): (c.ua, *(c.interval or (c.ua, c.ua))) for c in conditions}
    alphas = sorted({alpha for smoothing, alpha in by if smoothing != "none"})
    smoothings = list(dict.fromkeys(name for name, _ in by if name != "none"))
    grid = [(name, alpha) for name in smoothings for alpha in alphas]
    whole = {("none", 0.0), *grid} == {*by} and len(by) == len(conditions)
    poolings = {c.settings["aggregator"] for c in conditions}
    if not whole or len(alphas) < 2 or len(poolings) > 1:
        return None
    series = {
        name: tuple(zip(*(by[name, alpha] for alpha in alphas), strict=True))
        for name in smoothings
    }
    return alphas, series, by["none", 0.0]
