"""The comparisons that a run allows, and what they say of the paper's claims."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vladser import systems
from vladser.condition import Condition, make, setting_names, settings, text
from vladser.evaluation import paper, significance
from vladser.evaluation.paper import Claim, Family

LEVEL = 0.05  # a corrected p below it is called a difference
_VARIED = ("aggregator", "smoothing", "alpha")  # by the paper; else one setting


class Verdict(NamedTuple):
    """What a run says of a claim."""

    family: str  # the name of the comparisons
    claim: str  # a plain sentence
    verdict: str  # see `verdict`
    difference: float  # mean over speakers, positive in the claim's direction
    interval: tuple[float, float] | None  # 95 % of `difference`; None for one speaker
    p_holm: float  # corrected within the family


def families(conditions: Sequence[Condition]) -> list[Family]:
    """Returns the paper's families whose reference and any other member were trained.

    Where a run varies what the paper does not (cells, class weights, ...), each
    combination has families of its own, whose names say it; and all combinations with
    one pooling and smoothing are a family, against the paper's settings or, if these
    were not trained, the first. What is in none of them is compared with the first
    condition of the run.
    """
    groups: dict[tuple, dict[Condition, Condition]] = {}
    alike: dict[Condition, list[Condition]] = {}
    for condition in conditions:
        if systems.find(condition):
            continue
        as_in_paper = _as_in_paper(condition)
        groups.setdefault(_unvaried(condition), {})[as_in_paper] = condition
        alike.setdefault(as_in_paper, []).append(condition)
    compared = []
    for setting, trained in groups.items():
        for name, title, reference, members in paper.FAMILIES:
            there = tuple(trained[c] for c in members if c in trained)
            if reference in trained and there:
                beside = _differing(setting, groups)
                name += f" ({beside})" if beside else ""
                compared.append(Family(name, title, trained[reference], there))
    for as_in_paper, variants in alike.items():
        reference = as_in_paper if as_in_paper in variants else variants[0]
        if others := tuple(c for c in variants if c != reference):
            name = f"Settings of {as_in_paper.name}"
            compared.append(Family(name, "Settings", reference, others))
    compared += _with_other_systems(conditions)
    used = {c for family in compared for c in (family.reference, *family.members)}
    first, *rest = conditions
    if others := tuple(c for c in rest if c not in used):
        title = "Against the first condition of the run"
        compared.append(Family("Other conditions", title, first, others))
    return compared


def _with_other_systems(conditions: Sequence[Condition]) -> Iterator[Family]:
    """Yields the families of the systems of Table 2, on their own features and on those
    of the paper; trained as long as they are, the proposed one is the reference."""
    others = {c: system for c in conditions if (system := systems.find(c))}
    own = tuple(c for c, of in others.items() if c.features == of.condition.features)
    alike = tuple(c for c in others if c.features == paper.PROPOSED.features)
    sets = {}
    # The triplet LSTM is in both, and told of where others are.
    if {*own} - {*alike} or own == alike:
        sets["Other systems of Table 2"] = own
    if {*alike} - {*own}:
        sets["Other systems of Table 2, on its features"] = alike
    for reference in conditions:
        if paper.proposes(reference):
            title = "The proposed system and those of other authors"
            yield from (Family(n, title, reference, of) for n, of in sets.items() if of)
            return


def compare(
    ua: Mapping[Condition, np.ndarray], family: Family, names: Mapping[Condition, str]
) -> dict[str, Any]:
    """Returns what summary.json says of a family: each member minus the reference, in
    UA [speakers], averaged over the seeds. `names` are those among all conditions."""
    differences = [ua[member] - ua[family.reference] for member in family.members]
    p = [significance.sign_flip(difference) for difference in differences]
    speakers = len(ua[family.reference])
    return {
        "family": family.name,
        "reference": names[family.reference],
        "speakers": speakers,
        "least_p": significance.least_p(speakers, len(p)),
        "differences": [
            {
                "condition": names[member],
                "difference": float(difference.mean()),
                "interval": significance.interval(difference, significance.DIFFERENCE),
                "p": alone,
                "p_holm": float(corrected),
            }
            for member, difference, alone, corrected in zip(
                family.members, differences, p, significance.holm(p), strict=True
            )
        ],
    }


def verdicts(
    comparisons: Sequence[Mapping[str, Any]], conditions: Sequence[Mapping[str, Any]]
) -> list[Verdict]:
    """Returns what a run says of each of the paper's claims that it can judge, by the
    `comparisons` and `conditions` of its summary.json."""
    trained = {entry["name"]: condition(entry) for entry in conditions}
    verdicts = []
    for family in comparisons:
        for entry in family["differences"]:
            member = trained[entry["condition"]]
            claim = _claim(trained[family["reference"]], member)
            if claim is None:
                continue
            sign = 1 if claim.better == _as_in_paper(member) else -1
            difference, interval = sign * entry["difference"], entry["interval"]
            verdicts.append(
                Verdict(
                    family["family"],
                    claim.text,
                    verdict(difference, entry["p_holm"]),
                    difference,
                    interval and tuple(sorted(sign * end for end in interval)),
                    entry["p_holm"],
                )
            )
    return verdicts


def verdict(difference: float, p: float) -> str:
    """Returns the verdict on a difference, positive as claimed, by its corrected p."""
    if p >= LEVEL:
        return "not distinguishable"
    return "supported" if difference > 0 else "contradicted"


def condition(entry: Mapping[str, Any]) -> Condition:
    """Returns the condition of an entry of summary.json's `conditions`."""
    return make(**{name: entry[name] for name in setting_names() if name in entry})


def _unvaried(condition: Condition) -> tuple[tuple[str, Any], ...]:
    """Returns the settings that the paper does not vary."""
    own = settings(condition)
    return tuple(
        (name, own.get(name)) for name in setting_names() if name not in _VARIED
    )


def _as_in_paper(condition: Condition) -> Condition:
    """Returns the condition with all that the paper does not vary set as there; an
    objective that cannot smooth labels does not."""
    own = {"smoothing": "none", "alpha": 0.0} | settings(condition)
    return make(**{name: own[name] for name in _VARIED})


def _differing(setting: tuple, groups: Iterable[tuple]) -> str:
    """Returns which `_unvaried` settings differ among some groups of them, in words."""
    return ", ".join(
        f"{name.replace('_', ' ')} {text(value)}"
        for (name, value), *others in zip(setting, *groups, strict=True)
        if len(set(others)) > 1
    )


def _claim(reference: Condition, member: Condition) -> Claim | None:
    if system := systems.find(member):
        if _as_in_paper(reference) != paper.PROPOSED:
            return None
        text = f"The proposed system beats {system.name}"
        return Claim(paper.PROPOSED, system.condition, text)
    pair = {_as_in_paper(reference), _as_in_paper(member)}
    claims = [c for c in paper.CLAIMS if {c.better, c.worse} == pair]
    return claims[0] if claims and _unvaried(reference) == _unvaried(member) else None
