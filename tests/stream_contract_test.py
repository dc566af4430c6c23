"""A model on an utterance in pieces is the model on the whole, for every pooling."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest
from closeness import assert_same

from vladser import model
from vladser.condition import make
from vladser.models import bundle, inference
from vladser.registry import aggregators

pytestmark = [pytest.mark.numeric, pytest.mark.slow]

NAMES = [
    n for n in aggregators.names() if aggregators.build(aggregators.parse(n)).stepwise
]
IN_SUITE = "netvlad", "weighted"  # that each pooling can: aggregators_test
SPLITS, LONGEST, DIM, CELLS = 50, 400, 5, 8


def trained(pooling, draw):
    """A model all of whose parameters are random, the biases too."""
    condition = make(aggregator=pooling, cells=CELLS)
    arrays = draw.normal(size=DIM), draw.uniform(0.5, 2, DIM)
    one = bundle.Bundle(("a", "b", "c"), "random", condition, *arrays, None, {})
    shapes = jax.eval_shape(partial(model.init, spec=one.spec), jax.random.key(0))
    params = jax.tree.map(lambda leaf: draw.normal(0, 0.5, leaf.shape), shapes)
    return dataclasses.replace(one, params=params)


def whole(one, utterances):
    """Embeddings and probabilities by `model.forward`; NaN where there is no frame."""
    mask = np.arange(LONGEST)[:, None] < [len(frames) for frames in utterances]
    padded = np.full((*mask.shape, DIM), np.nan)
    for row, frames in enumerate(utterances):
        padded[: len(frames), row] = (frames - one.mean) * one.scale
    forward = jax.jit(model.forward, static_argnums=1)
    embedding, logits = map(np.asarray, forward(one.params, one.spec, padded, mask))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return embedding, odds / odds.sum(axis=1, keepdims=True)


def streamed(one, frames, draw):
    """The same of one utterance, in pieces of 0, of 1 and of any number of frames."""
    walk, place = inference.start(one, 1), 0
    while place < len(frames):
        size = int(draw.choice([0, 1, draw.integers(100)]))
        part = frames[place : place + size, None]
        walk = inference.advance(one, walk, part, np.ones(part.shape[:2], bool))
        place += size
    return inference.finish(one, walk)


def test_there_is_a_pooling_that_streams():
    assert {"final", "maximum", "mean", "netvlad", "weighted"} <= set(NAMES)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in IN_SUITE else pytest.mark.long)
        for name in NAMES
    ],
)
def test_any_split_of_any_utterance_is_the_whole_utterance(name):
    with jax.enable_x64(True):
        draw = np.random.default_rng(NAMES.index(name))
        one = trained(name, draw)
        lengths = draw.integers(1, LONGEST + 1, SPLITS)
        utterances = [draw.normal(size=(n, DIM)) for n in lengths]
        found = [streamed(one, frames, draw) for frames in utterances]
        for part, expected in zip(
            zip(*found, strict=True), whole(one, utterances), strict=True
        ):
            for here, of_whole in zip(part, expected, strict=True):
                assert_same(here[0], of_whole, LONGEST * (DIM + CELLS))
