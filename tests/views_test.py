"""Activation and valence beside the emotion, against cross-entropies by hand."""

import jax
import numpy as np
import pytest
from closeness import assert_equal, assert_same

from vladser.data import dataset
from vladser.objectives.triplet import triplet
from vladser.objectives.views import views

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

ROWS, SIZE, CLASSES = 6, 5, 4
DRAW = np.random.default_rng(0)
VECTORS, LOGITS = DRAW.normal(size=(ROWS, SIZE)), DRAW.normal(size=(ROWS, CLASSES))
LABELS = np.array([0, 1, 2, 3, 0, 1])
LEVELS = np.array([[0, 2], [1, -1], [-1, 0], [-1, -1], [2, 2], [1, 1]])


def _losses(weight, levels=LEVELS, labels=LABELS):
    objective = views(weight=weight)
    params = objective.init(jax.random.key(0), SIZE, CLASSES)
    data = objective.prepare(labels, CLASSES)
    loss = jax.jit(objective.loss)
    return params, loss(params, data, VECTORS, LOGITS, labels, levels)


def _entropy(logits, label):
    return np.log(np.exp(logits).sum()) - logits[label]


def test_known_levels_add_their_cross_entropies():
    params, losses = _losses(0.3)
    for row, loss in enumerate(losses):
        expected = _entropy(LOGITS[row], LABELS[row])
        for view, level in zip(params, LEVELS[row], strict=True):
            if level >= 0:
                logits = VECTORS[row] @ view.kernel + view.bias
                expected += np.float32(0.3) * _entropy(logits, level)
        assert_same(loss, expected, SIZE + CLASSES)


def test_without_weight_or_levels_the_emotion_is_all():
    plain = triplet(weight=0.0)
    data = plain.prepare(LABELS, CLASSES)
    expected = jax.jit(plain.loss)((), data, VECTORS, LOGITS, LABELS)
    assert_equal(_losses(0.0)[1], expected)
    assert_equal(_losses(0.7, np.full_like(LEVELS, -1))[1], expected)


def test_levels_are_thirds_of_the_scale():
    means = np.array([[1, 2], [2.01, 3.99], [4, 5], [np.nan, 3]], np.float32)
    assert dataset.levels(means).tolist() == [[0, 0], [1, 1], [2, 2], [-1, 1]]
