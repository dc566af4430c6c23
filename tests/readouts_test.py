"""Readouts, next to loops and to scikit-learn."""

import math
import sys

import numpy as np
import pytest
from closeness import assert_equal, assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

from vladser import merging
from vladser.engine import reading
from vladser.errors import InputError
from vladser.readouts.elm import elm
from vladser.readouts.softmax import softmax
from vladser.readouts.svm import svm

pytestmark = pytest.mark.numeric

COUNTS = st.lists(st.integers(1, 6), min_size=1, max_size=8)


def _pieces(counts, classes, seed=0):
    """Probabilities of pieces as the network gives them, and whose they are."""
    draw = np.random.default_rng(seed)
    values = draw.dirichlet(np.full(classes, 0.5), sum(counts)).astype(np.float32)
    return values, np.repeat(np.arange(len(counts)), counts)


def _of(values, parent, n):
    return [value for value, of in zip(values.tolist(), parent, strict=True) if of == n]


@given(COUNTS, st.integers(0, 99))
def test_merging_takes_mean_largest_and_smallest_of_each_utterance(counts, seed):
    values, parent = _pieces(counts, 3, seed)
    mean = merging.mean(values, parent, len(counts))
    most, least = merging.extremes(values, parent, len(counts))
    for n in range(len(counts)):
        columns = [*zip(*_of(values, parent, n), strict=True)]
        assert_same(mean[n], np.array([*map(np.mean, columns)]), 6)
        assert most[n].tolist() == [*map(max, columns)]
        assert least[n].tolist() == [*map(min, columns)]


def test_probabilities_of_whole_utterances_are_the_networks_to_the_bit():
    values, parent = _pieces([1] * 20, 4)
    readout = softmax()
    assert readout.fit is readout.scores is None
    found = reading.conclude(readout, {}, readout.describe(values, parent, 20), 4)
    assert_equal(found.astype(np.float32), values)


@given(COUNTS, st.integers(0, 99))
def test_silence_is_dropped_from_the_mean_and_the_emotions_share_the_rest(counts, seed):
    """Fayek, Lech, Cavedon 2017, equation (18)."""
    values, parent = _pieces(counts, 5, seed)
    readout = softmax()
    vectors = readout.describe(values, parent, len(counts))
    found = reading.conclude(readout, {}, vectors, 4)
    for n in range(len(counts)):
        emotions = sum(np.array(piece[:4]) for piece in _of(values, parent, n))
        assert_same(found[n], emotions / sum(emotions), 6 * 4)


def test_an_utterance_of_silence_alone_has_probabilities_too():
    readout, values = softmax(), np.array([[0, 0, 0, 0, 1.0]], np.float32)
    vectors = readout.describe(values, np.zeros(1, int), 1)
    assert_same(reading.conclude(readout, {}, vectors, 4), np.full((1, 4), 0.25), 4)


@given(COUNTS, st.integers(0, 99), st.sampled_from([0.0, 0.2, 0.5]))
def test_an_elm_sees_the_statistics_of_the_paper(counts, seed, threshold):
    """Han, Yu, Tashev 2014, equations (4) to (7)."""
    values, parent = _pieces(counts, 4, seed)
    found = elm(threshold=threshold).describe(values, parent, len(counts))
    assert found.shape == (len(counts), 16) and found.dtype == float
    for n in range(len(counts)):
        pieces = _of(values, parent, n)
        columns = [[piece[k] for piece in pieces] for k in range(4)]
        expected = (
            [max(column) for column in columns]
            + [min(column) for column in columns]
            + [sum(column) / len(column) for column in columns]
            + [sum(x > threshold for x in column) / len(column) for column in columns]
        )
        assert_same(found[n], np.array(expected), 16)


def test_equal_pieces_have_equal_statistics():
    uniform = np.full((6, 4), 0.25, np.float32)
    found = elm().describe(uniform, np.repeat([0, 1], 3), 2)
    assert_equal(found, np.tile([0.25] * 12 + [1.0] * 4, (2, 1)))


def _training(classes, rows, size, seed=0):
    draw = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), draw.integers(classes, size=rows)])
    centers = draw.normal(size=(classes, size))
    return centers[labels] + draw.normal(0, 0.8, (len(labels), size)), labels


def _units(params, vectors):
    rows = []
    for vector in vectors:
        sums = [
            sum(x * w for x, w in zip(vector, column, strict=True))
            for column in params.T
        ]
        rows.append([1 / (1 + math.exp(-total)) for total in sums])
    return np.array(rows)


@pytest.mark.parametrize("ridge", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("rows", [10, 60])  # fewer than units, and more
def test_an_elm_with_a_penalty_is_ridge_regression_on_its_units(ridge, rows):
    vectors, labels = _training(3, rows, 5)
    readout = elm(hidden=20, ridge=ridge)
    fitted = readout.fit(1, vectors, labels, 3)
    units = _units(fitted["inner"], vectors)
    ridged = Ridge(alpha=ridge, fit_intercept=False, solver="svd")
    targets = np.array([[float(k == label) for k in range(3)] for label in labels])
    expected = ridged.fit(units, targets).coef_.T
    np.testing.assert_allclose(fitted["outer"], expected, atol=1e-8)
    scores = readout.scores(fitted, vectors)
    np.testing.assert_allclose(scores, units @ expected, atol=1e-8)


def test_an_elm_without_a_penalty_is_least_squares():
    vectors, labels = _training(4, 200, 12)
    readout = elm(hidden=20)
    fitted = readout.fit(1, vectors, labels, 4)
    expected = np.linalg.pinv(_units(fitted["inner"], vectors)) @ np.eye(4)[labels]
    np.testing.assert_allclose(fitted["outer"], expected, atol=1e-8)


def test_an_elm_of_more_units_than_utterances_knows_them_by_heart():
    vectors, labels = _training(4, 20, 12)
    readout = elm(hidden=60)
    scores = readout.scores(readout.fit(0, vectors, labels, 4), vectors)
    np.testing.assert_allclose(scores, np.eye(4)[labels], atol=1e-8)


def test_an_elm_of_statistics_whose_units_are_nearly_dependent_is_as_good_as_any():
    """The normal equations would not be."""
    values, parent = _pieces([5] * 300, 4)
    vectors = elm().describe(values, parent, 300)
    labels = np.arange(300) % 4
    readout = elm()
    fitted = readout.fit(0, vectors, labels, 4)
    assert np.linalg.cond(_units(fitted["inner"], vectors)) > 1e4
    targets, scores = np.eye(4)[labels], readout.scores(fitted, vectors)
    best, *_ = np.linalg.lstsq(_units(fitted["inner"], vectors), targets)
    least = np.linalg.norm(_units(fitted["inner"], vectors) @ best - targets)
    assert np.linalg.norm(scores - targets) == pytest.approx(least, rel=1e-9)


def test_an_elm_is_drawn_by_its_seed():
    vectors, labels = _training(3, 20, 5)
    one, same, other = (elm().fit(seed, vectors, labels, 3) for seed in (0, 0, 1))
    assert_equal(one, same)
    assert abs(one["inner"]).max() <= 1 and abs(one["inner"] - other["inner"]).max() > 1
    assert one["inner"].shape == (5, 120) and one["outer"].shape == (120, 3)


@pytest.mark.fault("flags")
def test_an_elm_that_would_fill_the_memory_is_refused():
    with pytest.raises(ValueError, match="hidden: expected at most 10,000, got 10,001"):
        elm(hidden=10_001)


@pytest.mark.parametrize("cost", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("classes", [2, 3, 4, 6])
@pytest.mark.parametrize("absent", [None, 0, 1])
def test_a_support_vector_machine_predicts_what_scikit_learns_does(
    cost, classes, absent
):
    vectors, labels = _training(classes + (absent is not None), 60, 6)
    if absent is not None:
        vectors, labels = vectors[labels != absent], labels[labels != absent]
    machine = SVC(C=cost, break_ties=True, decision_function_shape="ovr")
    machine.fit(vectors, labels)
    readout = svm(cost=cost)
    fitted = readout.fit(0, vectors, labels, classes + (absent is not None))
    unseen, _ = _training(classes, 400, 6, seed=1)
    scores = readout.scores(fitted, unseen)
    assert_equal(scores.argmax(axis=1), machine.predict(unseen))
    if classes > 2:
        expected = machine.decision_function(unseen)
        np.testing.assert_allclose(scores[:, machine.classes_], expected, atol=1e-8)


def test_a_support_vector_machine_sees_representations_of_length_1():
    readout, draw = svm(), np.random.default_rng(0)
    assert readout.representations
    values = draw.normal(size=(6, 5)).astype(np.float32)
    values[4:] = 0  # no direction
    found = readout.describe(values, np.array([0, 0, 1, 1, 2, 2]), 3)
    for n in range(2):
        mean = np.mean(_of(values, [0, 0, 1, 1, 2, 2], n), axis=0)
        assert_same(found[n], mean / math.sqrt(sum(mean**2)), 5)
    assert not found[2].any()


def test_equal_representations_are_of_some_class():
    vectors = np.tile([0.6, 0.8], (8, 1))
    readout = svm()
    scores = readout.scores(readout.fit(0, vectors, np.arange(8) % 3, 3), vectors)
    assert np.isfinite(scores).all()


@pytest.mark.fault("libraries")
def test_a_missing_scikit_learn_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    install = r"readout svm needs scikit-learn: pip install 'vladser\[svm\]'"
    with pytest.raises(InputError, match=install):
        svm().fit(0, np.eye(2), np.arange(2), 2)


@settings(max_examples=50)
@given(st.integers(0, 99), st.sampled_from([elm(hidden=8), softmax()]))
def test_what_is_concluded_are_probabilities(seed, readout):
    values, parent = _pieces([3, 1, 2, 5], 4, seed)
    vectors = readout.describe(values, parent, 4)
    fitted = readout.fit(0, vectors, np.arange(4), 4) if readout.fit else {}
    found = reading.conclude(readout, fitted, vectors, 4)
    assert (found >= 0).all()
    assert_same(np.float32(found.sum(axis=1)), np.ones(4, np.float32), 4)
    if readout.scores:
        scores = readout.scores(fitted, vectors)
        assert_equal(found.argmax(axis=1), scores.argmax(axis=1))
