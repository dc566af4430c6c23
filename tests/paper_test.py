import pytest

from vladser.condition import make
from vladser.evaluation import paper


def of(aggregator, smoothing="none", alpha=0.0, **settings):
    return make(aggregator=aggregator, smoothing=smoothing, alpha=alpha, **settings)


def test_what_the_paper_prints_and_nothing_else():
    assert {condition: 100 * ua for condition, ua in paper.PUBLISHED.items()} == {
        of("final"): pytest.approx(53.8),
        of("maximum"): pytest.approx(56.8),
        of("mean"): pytest.approx(59.6),
        of("weighted"): pytest.approx(60.3),
        of("netvlad(clusters=4)"): pytest.approx(62.6),
        of("mean", "uniform", 0.2): pytest.approx(61.4),
        of("mean", "unigram", 0.2): pytest.approx(62.0),
        of("netvlad(clusters=4)", "unigram", 0.2): pytest.approx(63.5),
    }
    assert of("mean", cells=32) not in paper.PUBLISHED


def test_the_families_hold_25_conditions():
    sizes = [(family.name, len(family.members)) for family in paper.FAMILIES]
    tables = ("Table 1", 4), ("Figure 3", 7), ("Figure 5", 12), ("Figure 6", 1)
    assert sizes == [*tables, ("Table 2", 3)]
    every = {c for f in paper.FAMILIES for c in (f.reference, *f.members)}
    assert len(every) == 25


def test_each_claim_is_one_comparison_and_follows_from_what_is_printed():
    compared = [{f.reference, member} for f in paper.FAMILIES for member in f.members]
    for claim in paper.CLAIMS:
        assert compared.count({claim.better, claim.worse}) == 1, claim.text
        better, worse = map(paper.PUBLISHED.get, (claim.better, claim.worse))
        assert worse is None or better > worse, claim.text
    assert len({claim.text for claim in paper.CLAIMS}) == len(paper.CLAIMS)
