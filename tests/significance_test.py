from itertools import combinations

import numpy as np
import pytest
import scipy  # which imports scipy.stats when it is used
from scipy.special import expit, logit

from vladser.evaluation import significance

pytestmark = pytest.mark.numeric

# The logits of four recalls of a typical speaker: UA about 0.6 and 0.82.
LOW, HIGH = np.array([1.3, -0.4, 1.0, 0.2]), np.array([3.3, 0.7, 2.3, 1.4])


class Population:
    """Speakers, some easier than others, each with classes and utterances of their own:
    logit-normal recalls, 8 to 40 utterances a class, 3 seeds."""

    CLASS, SEED = 0.5, 0.4  # standard deviations of a logit

    def __init__(self, repetitions, speakers, spread):
        self.draw = np.random.default_rng(0)
        self.shape = (repetitions, speakers, 4)
        self.spread = spread
        self.skill = spread * self.draw.normal(size=(repetitions, speakers, 1))
        self.utterances = self.draw.integers(8, 41, self.shape)

    def test(self, typical):
        """UA [repetitions, speakers], and its mean over the whole population."""
        speakers = typical + self.skill + self.CLASS * self.draw.normal(size=self.shape)
        seeds = speakers + self.SEED * self.draw.normal(size=(3, *self.shape))
        hits = self.draw.binomial(self.utterances, expit(seeds))
        at, weight = np.polynomial.hermite_e.hermegauss(60)
        spread = np.sqrt(self.spread**2 + self.CLASS**2 + self.SEED**2)
        truth = expit(typical[:, None] + spread * at) @ weight / weight.sum()
        return (hits / self.utterances).mean(axis=(0, -1)), truth.mean()


def _coverage(values, truth, ends=significance.SHARE):
    intervals = [significance.interval(of_one, ends) for of_one in values]
    return np.mean([low <= truth <= high for low, high in intervals])


# 10,000 repetitions: the share that is covered has a standard error of 0.2 %.
@pytest.mark.slow
@pytest.mark.parametrize("speakers", [4, 10, 24])
def test_95_percent_intervals_cover_93_to_97(speakers):
    for typical, spread in (LOW, 0.35), (HIGH, 0.55):
        population = Population(10_000, speakers, spread)
        values, truth = population.test(typical)
        assert 0.06 < values.std() < 0.1
        assert 0.93 < _coverage(values, truth) < 0.97
    other, other_truth = population.test(HIGH - 0.4)
    paired, truth = values - other, truth - other_truth
    coverage = _coverage(paired, truth, significance.DIFFERENCE)
    assert 0.93 < coverage < 0.97


def test_the_interval_is_a_t_interval_of_the_logit():
    values, n = np.array([0.5, 0.75, 0.625, 0.875]), 4
    mean = values.mean()
    # What the logit of a mean varies by, at first order.
    error = scipy.stats.sem(values) / (mean * (1 - mean))
    t = scipy.stats.t(n - 1, loc=logit(mean), scale=error)
    found = significance.interval(values)
    np.testing.assert_allclose(found, expit(t.interval(0.95)))
    doubled = significance.interval(2 * values - 1, significance.DIFFERENCE)
    np.testing.assert_allclose(doubled, 2 * np.array(found) - 1)


@pytest.mark.parametrize("values", [[0.9, 1, 1, 1], [0, 0, 0, 0.01], [0, 1, 0, 1]])
def test_an_interval_stays_on_its_scale(values):
    low, high = significance.interval(values)
    assert 0 < low < np.mean(values) < high < 1


@pytest.mark.parametrize("speakers", range(1, 4))
@pytest.mark.fault("few speakers")
def test_so_few_speakers_have_no_interval(speakers):
    assert significance.interval([0.5, 0.7, 0.9][:speakers]) is None


def test_speakers_that_are_all_alike_have_no_spread():
    for value in 0.0, 0.5, 1.0:
        assert significance.interval([value] * 4) == (value, value)


@pytest.mark.parametrize("speakers", [2, 3, 7, 11])
def test_sign_flips_are_scipys(speakers):
    draw = np.random.default_rng(speakers)
    # Few values: many ties, among them those that rounding breaks (0.1 + 0.2 != 0.3).
    for values in (draw.normal(0.5, 1, speakers), draw.integers(-2, 4, speakers) / 10):
        expected = scipy.stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert significance.sign_flip(values) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("speakers", "relative"), [(20, 1e-12), (24, 0.05)])
def test_equal_steps_are_a_binomial_test(speakers, relative):
    up = speakers * 3 // 4
    steps = np.repeat([0.1, -0.1], [up, speakers - up])
    expected = scipy.stats.binomtest(up, speakers).pvalue
    assert significance.sign_flip(steps) == pytest.approx(expected, rel=relative)


def test_holm_is_bonferroni_on_every_intersection():
    for seed in range(20):
        p = np.random.default_rng(seed).beta(0.3, 1, 5)
        subsets = [list(s) for m in range(1, 6) for s in combinations(range(5), m)]
        expected = [
            max(min(1, len(s) * p[s].min()) for s in subsets if one in s)
            for one in range(5)
        ]
        np.testing.assert_allclose(significance.holm(p), expected)
    assert significance.holm([]).shape == (0,)


# Above 20 speakers flips are drawn: 99,999, which hold none of 1 in 2^20, and ours.
@pytest.mark.parametrize("speakers", [1, 2, 4, 6, 20, 21, 24])
@pytest.mark.parametrize("comparisons", [1, 4, 12])
def test_least_p_is_reached_where_all_speakers_agree(speakers, comparisons):
    p = np.ones(comparisons)
    p[0] = significance.sign_flip(np.linspace(0.01, 0.1, speakers))
    found = significance.least_p(speakers, comparisons)
    assert found == pytest.approx(significance.holm(p)[0])
