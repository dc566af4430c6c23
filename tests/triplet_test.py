"""The triplet loss against loops over anchors, positives and negatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from closeness import assert_same

from vladser import model
from vladser.condition import make
from vladser.data import folds
from vladser.engine import experiment
from vladser.objectives.triplet import semi_hard, triplet

pytestmark = pytest.mark.numeric

_run = jax.jit(jax.value_and_grad(semi_hard))


def naive(vectors, labels, margin):
    """FaceNet's semi-hard negatives; where there is none, the farthest."""
    unit = [v / np.linalg.norm(v) if v.any() else v for v in vectors]
    losses, rows = [], [n for n, label in enumerate(labels) if label >= 0]

    def distance(a, b):
        return max(2 - 2 * unit[a] @ unit[b], 0)

    for a in rows:
        others = [n for n in rows if labels[n] != labels[a]]
        for p in rows:
            if p == a or labels[p] != labels[a] or not others:
                continue
            near = distance(a, p)
            beyond = [distance(a, n) for n in others if distance(a, n) > near]
            far = min(beyond) if beyond else max(distance(a, n) for n in others)
            losses.append(max(near - far + margin, 0))
    return np.mean(losses) if losses else 0.0


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("seed", range(5))
def test_semi_hard_is_the_mean_over_all_pairs(seed):
    draw = np.random.default_rng(seed)
    vectors, labels = draw.normal(size=(16, 5)), draw.integers(-1, 4, 16)
    vectors[0] = 0
    value, gradient = _run(vectors, labels, 0.2)
    assert_same(value, naive(vectors, labels, 0.2), 16 * 5)
    way = draw.normal(size=vectors.shape)
    way[0] = 0  # a zero vector has no slope
    ends = (naive(vectors + step * way, labels, 0.2) for step in (1e-6, -1e-6))
    slope = np.subtract(*ends) / 2e-6
    assert abs((gradient * way).sum() - slope) < 1e-5 * max(abs(slope), 1)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "labels", [[-1] * 6, [2] * 6, [0, 1, 2, 3, -1, -1], [0] + [1] * 5]
)
def test_without_pairs_or_classes_it_is_finite(labels):
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    vectors[1:3] = vectors[1]  # at no distance
    value, gradient = _run(vectors, np.array(labels), 0.2)
    assert np.isfinite(gradient).all()
    assert_same(value, naive(vectors, labels, 0.2), 18)
    if len({*labels} - {-1}) < 2:
        assert value == 0 and not gradient.any()


@pytest.mark.slow
def test_the_loss_adds_it_to_the_cross_entropy():
    draw = np.random.default_rng(1)
    vectors, logits = draw.normal(size=(2, 8, 4))
    labels = np.array([0, 1, 2, 3, 0, 1, 2, -1])
    objective = triplet(weight=0.5, margin=0.3)
    data = objective.prepare(labels[:7], 4)
    losses = objective.loss((), data, vectors, logits, labels)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -log_p[np.arange(7), labels[:7]] + 0.5 * naive(vectors, labels, 0.3)
    # The options are float32.
    np.testing.assert_allclose(losses[:7], expected, rtol=1e-6)
    assert jnp.isfinite(losses).all()


def _spread(objective):
    """Of a tested speaker's representations: the mean distance of two of one emotion,
    in units of that of two emotions."""

    def frames(label, length, draw):
        return draw.normal(size=(length, 5)) + 3 * np.eye(5)[label]

    corpus = toys.corpus(frames=frames)
    condition = make(
        aggregator="mean",
        objective=objective,
        **{"cells": 8, "optimizer": "adam", "learning_rate": 0.02, "noise": 0.0},
        **{"dropout": 0.0, "epochs": 60, "batch_size": 48},
    )
    fold, *_ = folds.make(corpus, "speaker")
    design = toys.design(corpus, [condition], [0], [fold])
    *_, outcome = experiment.run(design)
    (said,), labels = outcome.results.probabilities, corpus.label[fold.test]
    assert (said.argmax(axis=-1) == labels).mean() > 0.9
    params = jax.tree.map(lambda leaf: leaf[0, 0], outcome.params)
    mean, scale = (of[0, 0] for of in (outcome.trials.mean, outcome.trials.scale))
    vectors = np.stack(
        [
            _embed(params, design.specification(0), (of - mean) * scale)
            for of in (corpus.frames[toys.span(corpus, row)] for row in fold.test)
        ]
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distance = 2 - 2 * unit @ unit.T
    same = labels[:, None] == labels
    pairs = ~np.eye(len(unit), dtype=bool)
    return distance[same & pairs].mean() / distance[~same].mean()


def _embed(params, spec, frames):
    mask = np.ones((len(frames), 1), bool)
    return model.forward(params, spec, frames[:, None], mask)[0][0]


@pytest.mark.long
def test_where_cross_entropy_is_content_triplets_draw_an_emotion_together():
    entropy = _spread("cross_entropy(smoothing='none')")
    assert _spread("triplet(weight=2.0,margin=0.5)") < 0.8 * entropy
