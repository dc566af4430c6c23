"""A model on an utterance in pieces is the model on the whole, for every pooling."""

import dataclasses

import jax
import numpy as np
import pytest

from vladser import aggregators, bundle, inference, model
from vladser.types import Condition

NAMES = [
    n for n in aggregators.names() if aggregators.build(aggregators.parse(n)).stream
]
SPLITS, LONGEST, DIM = 1000, 400, 5
SHARES = dict(zip(NAMES, np.array_split(np.arange(SPLITS), len(NAMES)), strict=True))


@pytest.fixture(scope="module")
def worst():
    """The largest difference of each pooling: pytest -s shows them."""
    found = {}
    yield found
    lines = [f"{name:22}{error:.1e}" for name, error in found.items()]
    print(f"\n{SPLITS:,} random splits, largest differences:", *lines, sep="\n")


def trained(pooling, draw):
    """A model all of whose parameters are random, the biases too."""
    condition = Condition(aggregators.parse(pooling), cells=8)
    mean, scale = draw.normal(size=DIM), draw.uniform(0.5, 2, DIM)
    arrays = mean.astype(np.float32), scale.astype(np.float32)
    one = bundle.Bundle(("a", "b", "c"), "random", condition, *arrays, None, {})
    params = jax.tree.map(
        lambda x: np.asarray(x + draw.normal(0, 0.3, x.shape), np.float32),
        model.init(jax.random.key(0), one.spec),
    )
    return dataclasses.replace(one, params=params)


def whole(one, utterances):
    """Embeddings and probabilities by `model.forward`; NaN where there is no frame."""
    mask = np.arange(LONGEST)[:, None] < [len(frames) for frames in utterances]
    padded = np.full((*mask.shape, DIM), np.nan, np.float32)
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


@pytest.mark.parametrize("name", NAMES)
def test_any_split_of_any_utterance_is_the_whole_utterance(name, worst):
    draw = np.random.default_rng(NAMES.index(name))
    one = trained(name, draw)
    lengths = draw.integers(1, LONGEST + 1, len(SHARES[name]))
    utterances = [draw.normal(size=(n, DIM)).astype(np.float32) for n in lengths]
    found = [streamed(one, frames, draw) for frames in utterances]
    parts = zip(*found, strict=True)
    differences = [
        np.abs(np.concatenate(part) - expected).max()
        for part, expected in zip(parts, whole(one, utterances), strict=True)
    ]
    worst[name] = np.max(differences)  # NaN if one is
    assert worst[name] <= 1e-5
