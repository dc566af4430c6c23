"""Weights and moments over chunks, against all frames at once."""

import jax
import numpy as np
import pytest
from closeness import assert_same

from vladser.aggregators import running

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

DRAW = np.random.default_rng(0)
FRAMES, SCORES = DRAW.normal(size=(12, 3)), 30 * DRAW.normal(size=(12, 2))
MASK = DRAW.random(12) < 0.6


def test_exponentials_of_chunks_are_those_of_the_whole_in_other_units():
    largest, total = np.full(2, running.NOT_YET), np.zeros(2)
    step = jax.jit(running.exponentials)
    for part in np.split(np.arange(12), 6):
        largest, fade, powers = step(largest, SCORES[part], MASK[part])
        assert (np.asarray(powers)[~MASK[part]] == 0).all()
        assert powers.max() <= 1 and fade.max() <= 1
        total = total * fade + powers.sum(axis=0)
    np.testing.assert_array_equal(largest, SCORES[MASK].max(axis=0))
    expected = np.exp(SCORES[MASK] - SCORES[MASK].max(axis=0)).sum(axis=0)
    assert_same(total, expected, 12)


def test_without_a_frame_there_is_no_largest_score_and_no_weight():
    largest, fade, powers = running.exponentials(
        np.full(2, running.NOT_YET), SCORES, np.zeros(12, bool)
    )
    assert (largest == running.NOT_YET).all() and (powers == 0).all()
    assert np.isfinite(fade).all()


def test_moments_of_parts_are_those_of_all_frames():
    weights = DRAW.random(12) * MASK
    found = running.no_moments(3)
    more = jax.jit(lambda found, *part: running.merge(found, running.moments(*part)))
    for part in np.split(np.arange(12), 6):
        found = more(found, FRAMES[part], weights[part])
    mean = np.average(FRAMES, axis=0, weights=weights)
    variance = np.average((FRAMES - mean) ** 2, axis=0, weights=weights)
    expected = running.Moments(weights.sum(), mean, weights.sum() * variance)
    assert_same(found, jax.tree.map(np.asarray, expected), 12)
    assert_same(running.deviation(found), np.sqrt(variance), 12)


def test_no_frame_has_moments_of_zero():
    nothing = running.no_moments(3)
    for found in (
        running.merge(nothing, nothing),
        running.moments(FRAMES, np.zeros(12)),
    ):
        assert all((leaf == 0).all() for leaf in found)
    assert (running.deviation(nothing) == 0).all()


def test_a_deviation_below_a_millionth_counts_as_zero():
    squares = 4 * np.array([0, 0.9e-6, 1.1e-6]) ** 2
    found = running.deviation(running.Moments(4.0, np.zeros(3), squares))
    assert (found[:2] == 0).all()
    assert_same(found[2], np.array(1.1e-6), 1)
