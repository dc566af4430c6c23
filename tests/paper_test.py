import pytest

from vladser.condition import make
from vladser.evaluation import paper


def of(aggregator, smoothing="none", alpha=0.0, **settings):
    return make(aggregator=aggregator, smoothing=smoothing, alpha=alpha, **settings)


@pytest.mark.parametrize(
    ("condition", "percent"),
    [
        (of("final"), 53.8),
        (of("maximum"), 56.8),
        (of("mean"), 59.6),
        (of("weighted"), 60.3),
        (of("netvlad(clusters=4)"), 62.6),
        (of("mean", "uniform", 0.2), 61.4),
        (of("mean", "unigram", 0.2), 62.0),
        (of("netvlad(clusters=4)", "unigram", 0.2), 63.5),
    ],
)
def test_what_the_paper_prints(condition, percent):
    assert paper.published(condition) == pytest.approx(percent / 100)


@pytest.mark.parametrize(
    "condition",
    [
        of("netvlad(clusters=8)"),
        of("mean", "unigram", 0.3),
        of("mean", cells=32),
    ],
)
def test_what_it_does_not_print_is_not_invented(condition):
    assert paper.published(condition) is None


def test_the_families_hold_25_conditions():
    sizes = {family.name: len(family.members) for family in paper.FAMILIES}
    assert sizes == {
        "Table 1": 4,
        "Figure 3": 7,
        "Figure 5": 12,
        "Figure 6": 1,
        "Table 2": 3,
    }
    every = {c for f in paper.FAMILIES for c in (f.reference, *f.members)}
    assert len(every) == 25


def test_each_claim_is_one_comparison_of_one_family():
    compared = [{f.reference, member} for f in paper.FAMILIES for member in f.members]
    for claim in paper.CLAIMS:
        assert compared.count({claim.better, claim.worse}) == 1, claim.text
    assert len({claim.text for claim in paper.CLAIMS}) == len(paper.CLAIMS)


def test_the_claims_follow_from_what_is_printed():
    for claim in paper.CLAIMS:
        better, worse = map(paper.published, (claim.better, claim.worse))
        assert worse is None or better > worse, claim.text


def test_the_proposed_system_has_the_highest_ua():
    proposed = paper.published(paper.PROPOSED)
    assert all(proposed > other for other in paper.OTHERS.values())
