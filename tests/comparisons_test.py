import json

import numpy as np
import pytest
from toys import but

from vladser.condition import make, settings
from vladser.evaluation import comparisons, paper, significance

pytestmark = pytest.mark.numeric

PAPER = list(
    dict.fromkeys(c for f in paper.FAMILIES for c in (f.reference, *f.members))
)


def of(aggregator, smoothing="none", alpha=0.0, **settings):
    return make(aggregator=aggregator, smoothing=smoothing, alpha=alpha, **settings)


NETVLAD, MEAN, FINAL = of("netvlad(clusters=4)"), of("mean"), of("final")


def families(conditions):
    return {f.name: (f.reference, *f.members) for f in comparisons.families(conditions)}


def compare(ua, family):
    names = {one: one.name for one in (family.reference, *family.members)}
    return comparisons.compare(ua, family, names)


def judged(ua):
    """The verdicts on the conditions of `ua`, by claim, from a file's worth of it."""
    found = [compare(ua, family) for family in comparisons.families([*ua])]
    entries = [{"name": one.name, **settings(one)} for one in ua]
    verdicts = comparisons.verdicts(*json.loads(json.dumps([found, entries])))
    return {one.claim: one for one in verdicts}


def test_the_papers_conditions_make_the_papers_families():
    assert comparisons.families(PAPER[::-1]) == list(paper.FAMILIES)


def test_each_claim_is_one_comparison_and_follows_from_what_is_printed():
    compared = [{f.reference, member} for f in paper.FAMILIES for member in f.members]
    for claim in paper.CLAIMS:
        assert compared.count({claim.better, claim.worse}) == 1, claim.text
        better, worse = map(paper.PUBLISHED.get, (claim.better, claim.worse))
        assert worse is None or better > worse, claim.text
    assert len(PAPER) == 25


def test_an_objective_that_cannot_smooth_is_claimed_to_be_without_smoothing():
    pair = [make(objective="triplet", aggregator=c.aggregator) for c in (NETVLAD, MEAN)]
    (family,) = comparisons.families(pair)
    assert family.name == "Table 1"
    (claim,) = judged({one: np.array([0.5, 0.6, 0.7]) for one in pair})
    assert claim in {
        c.text for c in paper.CLAIMS if {c.better, c.worse} == {NETVLAD, MEAN}
    }


def test_what_is_in_no_family_is_compared_with_the_first_condition():
    other, another = of("mean", "unigram", 0.35), of("netvlad(clusters=7)")
    assert families([FINAL, NETVLAD, other, another]) == {
        "Table 1": (NETVLAD, FINAL),
        "Other conditions": (FINAL, other, another),
    }
    # A family needs its reference and a member.
    assert families([MEAN, FINAL]) == {"Other conditions": (MEAN, FINAL)}
    assert families([MEAN]) == {}


def test_settings_that_vary_make_families_of_their_own():
    wide = {"cells": 128, "learning_rate": 0.5}
    run = [but(one, **own) for own in ({}, wide) for one in (MEAN, NETVLAD)]
    assert families(run) == {
        "Table 1 (cells 64, learning rate 1)": (run[1], run[0]),
        "Table 1 (cells 128, learning rate 0.5)": (run[3], run[2]),
        "Settings of mean, no smoothing": (run[0], run[2]),
        "Settings of netvlad(clusters=4), no smoothing": (run[1], run[3]),
    }
    assert families(run[2:]) == {"Table 1": (run[3], run[2])}


def test_settings_are_compared_with_the_papers_or_else_the_first():
    weighted, focal = of("mean", class_weights=1.0), of("mean", focal=2.0)
    assert families([weighted, FINAL, MEAN, focal]) == {
        "Settings of mean, no smoothing": (MEAN, weighted, focal),
        "Other conditions": (weighted, FINAL),
    }
    both = but(focal, class_weights=1.0)
    assert families([weighted, both]) == {
        "Settings of mean, no smoothing": (weighted, both)
    }


def test_a_comparison_is_paired_by_speaker_and_corrected_within_the_family():
    draw = np.random.default_rng(0)
    ua = {one: draw.uniform(0.5, 0.7, 8) for one in (NETVLAD, MEAN, FINAL)}
    ua[FINAL] -= 0.2
    (family,) = comparisons.families([*ua])
    found = compare(ua, family)
    for one, entry in zip((FINAL, MEAN), found["differences"], strict=True):
        difference = ua[one] - ua[NETVLAD]
        assert entry["condition"] == one.name
        assert entry["difference"] == pytest.approx(difference.mean())
        assert entry["p"] == significance.sign_flip(difference)
        ends = significance.DIFFERENCE
        assert entry["interval"] == significance.interval(difference, ends)
    final, mean = found.pop("differences")
    assert final["p_holm"] == 2 * final["p"] < mean["p"] == mean["p_holm"]
    assert found == {
        "family": "Table 1",
        "reference": "netvlad(clusters=4), no smoothing",
        "speakers": 8,
        "least_p": 2 / 2**7,
    }


def test_one_speaker_shows_nothing():
    found = judged({NETVLAD: np.array([0.9]), MEAN: np.array([0.1])})
    verdict = found["NetVLAD beats mean pooling"]
    assert verdict.verdict == "not distinguishable"
    assert (verdict.interval, verdict.p_holm) == (None, 1)


@pytest.mark.parametrize("own", [{}, {"noise": 0.0}])
def test_verdicts(own):
    speakers = np.linspace(0.5, 0.7, 10)
    step = np.linspace(0.04, 0.06, 10)
    ua = {
        NETVLAD: speakers,
        MEAN: speakers - step,
        of("weighted"): speakers + step,
        of("maximum"): speakers + step * np.resize([1, -1], 10),
        of("mean", "unigram", 0.2): speakers,
        of("mean", "unigram", 0.3): speakers,
    }
    found = judged({but(one, **own): values for one, values in ua.items()})
    assert {claim: one.verdict for claim, one in found.items()} == {
        "NetVLAD beats max pooling": "not distinguishable",
        "NetVLAD beats mean pooling": "supported",
        "NetVLAD beats weighted pooling": "contradicted",
        "Unigram smoothing at 0.2 beats none": "supported",
    }
    supported, contradicted = (
        found[f"NetVLAD beats {pooling} pooling"] for pooling in ("mean", "weighted")
    )
    for one, direction in (supported, 1), (contradicted, -1):
        low, high = one.interval
        assert one.difference == pytest.approx(direction * 0.05)
        assert low < one.difference < high and low * high > 0
        assert one.p_holm < 0.05
