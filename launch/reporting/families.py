"""The paper's tables and figures: each a family of conditions and its reference."""

from collections.abc import Sequence
from typing import Any

from launch.reporting import facts, overview, text
from launch.reporting.blocks import Beside, Block, Gallery, Picture, Section, Table
from launch.reporting.facts import CONDITION
from launch.reporting.runs import Run
from vladser.condition import make, settings
from vladser.evaluation import comparisons, paper
from vladser.plots import confusion, lines
from vladser.plots import intervals as intervals_plot


def sections(run: Run) -> list[Section]:
    """A section for each family that was compared."""
    return [_section(run, family) for family in run.summary["comparisons"]]


def members(run: Run, family: dict[str, Any]) -> list[CONDITION]:
    """The conditions of a family, see `facts.ordered`."""
    names = {family["reference"], *(one["condition"] for one in family["differences"])}
    return facts.ordered([o for o in run.summary["conditions"] if o["name"] in names])


def heading(name: str) -> str:
    """The name of a family and what it is about."""
    titles = [one.title for one in paper.FAMILIES if name.startswith(one.name)]
    return ": ".join([name, *titles])


def picture(run: Run, family: dict[str, Any], where: str = "") -> Picture:
    """A family's conditions beside each other.

    Args:
      where: goes before the title, where a document shows a family of several runs.
    """
    conditions = members(run, family)
    short = names(conditions)
    intervals = [one["ua"]["interval"] for one in conditions]
    reference = facts.named(run, family["reference"])
    title = f"{where}{family['family']}: UA"
    described = "; ".join(
        f"{name} {text.percent(facts.ua(one))}"
        for name, one in zip(short, conditions, strict=True)
    )
    note = ""
    if curves := _curves(conditions):
        figure = lines.draw(*curves)
    else:
        published = [facts.published(one) for one in conditions]
        if any(published):
            apart = facts.apart(run)
            note = " ".join(f"The paper's figures are of {what}." for what in apart)
        figure = intervals_plot.draw(
            short,
            [facts.ua(one) for one in conditions],
            intervals,
            published=published,
            reference=short[conditions.index(reference)],
        )
    return Picture(title, f"UA in percent: {described}.", figure, note)


def _section(run: Run, family: dict[str, Any]) -> Section:
    blocks: list[Block] = [Beside(picture(run, family), _differences(run, family))]
    blocks += overview.powerless([family])
    if family["family"].startswith("Figure 6"):
        blocks.append(Gallery(confusions(run, _smoothed(run, family))))
    if family["family"].startswith("Table 2"):
        blocks.append(_systems(run, family))
    return Section(heading(family["family"]), blocks)


def confusions(run: Run, conditions: Sequence[CONDITION]) -> list[Picture]:
    """A confusion matrix each."""
    emotions = run.summary["emotions"]
    pictures = []
    for one in conditions:
        recalls = [row[n] / (sum(row) or 1) for n, row in enumerate(one["confusion"])]
        said = text.names(
            [
                f"{text.percent(recall)} % of {emotion}"
                for emotion, recall in zip(emotions, recalls, strict=True)
            ]
        )
        pictures.append(
            Picture(
                f"Confusions: {one['name']}",
                f"Recognized: {said}.",
                confusion.draw(one["confusion"], emotions, ""),
            )
        )
    return pictures


def _smoothed(run: Run, family: dict[str, Any]) -> list[CONDITION]:
    """The conditions of Figure 6: its family, and the same without smoothing."""
    shown = members(run, family)
    one = settings(comparisons.condition(shown[0]))
    wanted = make(**one | {"smoothing": "none", "alpha": 0.0})
    every = run.summary["conditions"]
    return [one for one in every if comparisons.condition(one) == wanted] + shown


def _differences(run: Run, family: dict[str, Any]) -> Table:
    speakers = text.count(family["speakers"], "speaker")
    return Table(
        f"{family['family']}: differences from {family['reference']}",
        ("condition", "difference", "95 % interval", "p", "corrected p"),
        [
            (
                one["condition"],
                text.points(one["difference"]),
                text.interval(one["interval"], text.points),
                text.probability(one["p"]),
                text.probability(one["p_holm"]),
            )
            for one in family["differences"]
        ],
        notes=[
            f"Points of UA, condition minus reference, paired over {speakers}. "
            "Corrected after Holm; the smallest corrected p that can occur here is "
            f"{text.probability(family['least_p'])}.",
            *overview.compared_seeds(run),
        ],
    )


def _systems(run: Run, family: dict[str, Any]) -> Table:
    """Table 2 of the paper: its system, the others that it names, and ours."""
    ours = facts.named(run, family["reference"])
    rows = [(name, text.percent(ua)) for name, ua in paper.OTHERS.items()]
    rows.append(
        ("proposed, as published", text.percent(paper.published(paper.PROPOSED)))
    )
    apart = facts.apart(run)
    where = f" on {facts.corpus(run)}" if apart else ""
    rows.append((f"proposed, here{where}", text.percent(facts.ua(ours))))
    notes = [
        f"All but the last are of {what}, and cannot be compared with it."
        for what in apart
    ]
    caption = f"{family['family']}: published systems, UA"
    return Table(caption, ("system", "UA"), rows, notes=notes)


def names(conditions: Sequence[CONDITION]) -> list[str]:
    """Their names without what they share."""
    smoothings = {(one["smoothing"], one["alpha"]) for one in conditions}
    poolings = {one["aggregator"] for one in conditions}
    whole = [one["name"] for one in conditions]
    if len(smoothings) == 1:
        short = [one["aggregator"] for one in conditions]
    elif len(poolings) == 1:
        short = [name.removeprefix(*poolings).lstrip(", ") for name in whole]
    else:
        short = whole
    return short if len({*short}) == len(short) else whole


def _curves(conditions: Sequence[CONDITION]) -> tuple | None:
    """The arguments of `plots.lines`, where the conditions differ by the strength of
    the smoothing alone."""
    by = {(one["smoothing"], one["alpha"]): one for one in conditions}
    alphas = sorted({alpha for smoothing, alpha in by if smoothing != "none"})
    smoothings = list(dict.fromkeys(name for name, _ in by if name != "none"))
    grid = [(name, alpha) for name in smoothings for alpha in alphas]
    whole = {("none", 0.0), *grid} == {*by} and len(by) == len(conditions)
    if not whole or len(alphas) < 2 or len({c["aggregator"] for c in conditions}) > 1:
        return None

    def line(name):
        return tuple(zip(*(_bounds(by[name, alpha]) for alpha in alphas), strict=True))

    lines = {name: line(name) for name in smoothings}
    return alphas, lines, _bounds(by["none", 0.0])


def _bounds(condition: CONDITION) -> tuple[float, float, float]:
    mean = facts.ua(condition)
    return mean, *(condition["ua"]["interval"] or (mean, mean))
