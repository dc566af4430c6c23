"""The comparisons that a run allows, and what they say of the paper's claims."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vladser.condition import Condition, make, names, settings, text
from vladser.evaluation import paper, significance
from vladser.evaluation.paper import Claim, Family

LEVEL = 0.05  # a corrected p below it is called a difference
_VARIED = ("aggregator", "smoothing", "alpha")  # by the paper; else one setting


class Verdict(NamedTuple):
    """What a run says of a claim.

    Attributes:
      family: the name of the comparisons that it is from.
      claim: a plain sentence.
      verdict: "supported" (corrected p below 0.05 and the claim's sign), "contradicted"
        (below 0.05 and the opposite sign) or "not distinguishable".
      difference: mean over speakers, positive in the claim's direction.
      interval: 95 % of `difference`; None for one speaker.
      p_holm: corrected within the family.
    """

    family: str
    claim: str
    verdict: str
    difference: float
    interval: tuple[float, float] | None
    p_holm: float


def families(conditions: Sequence[Condition]) -> list[Family]:
    """What is compared with what.

    The paper's families, as far as their reference and any other member were trained.
    Where a run varies what the paper does not (cells, class weights, ...), each
    combination has families of its own, whose names say it; and all combinations with
    one pooling and smoothing are a family, against the paper's settings or, if these
    were not trained, the first. What is in none of them is compared with the first
    condition of the run.
    """
    groups: dict[tuple, dict[Condition, Condition]] = {}
    for one in conditions:
        groups.setdefault(_settings(one), {})[_as_in_paper(one)] = one
    found = []
    for setting, trained in groups.items():
        for name, title, reference, members in paper.FAMILIES:
            there = tuple(trained[one] for one in members if one in trained)
            if reference in trained and there:
                name += _suffix(setting, groups)
                found.append(Family(name, title, trained[reference], there))
    found += _of_settings(conditions)
    first, *rest = conditions
    compared = {one for family in found for one in (family.reference, *family.members)}
    others = tuple(one for one in rest if one not in compared)
    if others:
        title = "Against the first condition of the run"
        found.append(Family("Other conditions", title, first, others))
    return found


def compare(
    ua: Mapping[Condition, np.ndarray], family: Family, names: Mapping[Condition, str]
) -> dict[str, Any]:
    """What summary.json says of a family: each member minus the reference.

    Args:
      ua: [speakers] of each condition, averaged over the seeds; the speakers in one
        order for all.
      family: what is compared.
      names: of the conditions, among each other.
    """
    differences = [ua[one] - ua[family.reference] for one in family.members]
    p = [significance.sign_flip(one) for one in differences]
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
                "interval": significance.interval(difference),
                "p": one,
                "p_holm": float(corrected),
            }
            for member, difference, one, corrected in zip(
                family.members, differences, p, significance.holm(p), strict=True
            )
        ],
    }


def verdicts(
    comparisons: Sequence[Mapping[str, Any]], conditions: Sequence[Mapping[str, Any]]
) -> list[Verdict]:
    """What a run says of each of the paper's claims that it can judge.

    Args:
      comparisons, conditions: those of summary.json.
    """
    trained = {one["name"]: condition(one) for one in conditions}
    found = []
    for family in comparisons:
        reference = trained[family["reference"]]
        for one in family["differences"]:
            member = trained[one["condition"]]
            claim = _claim(reference, member)
            if claim is None:
                continue
            sign = 1 if claim.better == _as_in_paper(member) else -1
            difference, interval = sign * one["difference"], one["interval"]
            found.append(
                Verdict(
                    family["family"],
                    claim.text,
                    _verdict(difference, one["p_holm"]),
                    difference,
                    interval and tuple(sorted(sign * end for end in interval)),
                    one["p_holm"],
                )
            )
    return found


def match(adjusted_rand: Sequence[float | None]) -> Verdict | None:
    """Whether NetVLAD's clusters match the emotions.

    Args:
      adjusted_rand: [folds] the adjusted Rand index between clusters and emotions in
        the test, averaged over the seeds; chance is 0. None or NaN where a fold has
        none.

    Returns:
      `difference` is the mean index; None where fewer than two folds have one.
    """
    values = np.array(adjusted_rand, float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return None
    mean, p = float(values.mean()), significance.sign_flip(values)
    return Verdict(
        "Clusters",
        "NetVLAD's clusters match the emotions",
        _verdict(mean, p),
        mean,
        significance.interval(values),
        p,
    )


def condition(said: Mapping[str, Any]) -> Condition:
    """The condition that an entry of summary.json's `conditions` is of."""
    return make(**{name: said[name] for name in names() if name in said})


def _of_settings(conditions: Sequence[Condition]) -> list[Family]:
    """Conditions that differ in nothing but what the paper does not vary."""
    alike: dict[Condition, list[Condition]] = {}
    for one in conditions:
        alike.setdefault(_as_in_paper(one), []).append(one)
    found = []
    for paper_has, trained in alike.items():
        reference = paper_has if paper_has in trained else trained[0]
        if others := tuple(one for one in trained if one != reference):
            name = f"Settings of {paper_has.name}"
            found.append(Family(name, "Settings", reference, others))
    return found


def _settings(condition: Condition) -> tuple[tuple[str, Any], ...]:
    """What the paper does not vary."""
    said = settings(condition)
    return tuple((name, said.get(name)) for name in names() if name not in _VARIED)


def _as_in_paper(condition: Condition) -> Condition:
    """The same with all that the paper does not vary set as there."""
    said = settings(condition)
    return make(**{name: said[name] for name in _VARIED if name in said})


def _suffix(setting: tuple, groups: Iterable[tuple]) -> str:
    """The settings that differ among the groups, for a family's name."""
    told = [
        f"{name.replace('_', ' ')} {text(value)}"
        for (name, value), *others in zip(setting, *groups, strict=True)
        if len(set(others)) > 1
    ]
    return f" ({', '.join(told)})" if told else ""


def _claim(one: Condition, other: Condition) -> Claim | None:
    if _settings(one) == _settings(other):
        pair = {_as_in_paper(one), _as_in_paper(other)}
        for claim in paper.CLAIMS:
            if {claim.better, claim.worse} == pair:
                return claim
    return None


def _verdict(difference: float, p: float) -> str:
    if p >= LEVEL:
        return "not distinguishable"
    return "supported" if difference > 0 else "contradicted"
