import jax
import numpy as np
import pytest

from vladser import aggregators, inference, model
from vladser.bundle import Bundle
from vladser.errors import InputError
from vladser.types import Condition

DIM, EMOTIONS = 5, ("angry", "happy", "sad")
WHOLE = "vladser.aggregators.mean.mean"


def _bundle(pooling):
    draw, condition = (
        np.random.default_rng(0),
        Condition(aggregators.parse(pooling), cells=6),
    )
    one = Bundle(
        emotions=EMOTIONS,
        feature_set="toy",
        condition=condition,
        mean=draw.normal(size=DIM).astype(np.float32),
        scale=draw.uniform(0.5, 2, DIM).astype(np.float32),
        params=None,
        about={},
    )
    params = model.init(jax.random.key(1), one.spec)
    return Bundle(**(vars(one) | {"params": params}))


def _features(*lengths):
    draw = np.random.default_rng(sum(lengths))
    return [draw.normal(size=(n, DIM)).astype(np.float32) for n in lengths]


def _expected(bundle, frames):
    """The model on one utterance alone, as a whole."""
    standardized = ((frames - bundle.mean) * bundle.scale)[:, None]
    mask = np.ones((len(frames), 1), bool)
    embedding, logits = model.forward(bundle.params, bundle.spec, standardized, mask)
    return embedding[0], jax.nn.softmax(logits[0])


def test_utterances_of_any_lengths_are_classified_in_their_order():
    bundle = _bundle("netvlad")
    features = _features(1, 70, 3, 32, 33, 64, 5, 12, 31, 2)
    found = inference.classify(bundle, features)
    for n, frames in enumerate(features):
        embedding, probabilities = _expected(bundle, frames)
        # The same sums in another order.
        np.testing.assert_allclose(found.embedding[n], embedding, atol=1e-5)
        np.testing.assert_allclose(found.probabilities[n], probabilities, atol=1e-5)


def test_a_pooling_that_cannot_stream_classifies_too(monkeypatch):
    build = aggregators.build
    monkeypatch.setattr(
        aggregators, "build", lambda pooling: build(pooling)._replace(stream=None)
    )
    bundle = _bundle("vladser.aggregators.maximum.maximum")
    assert not inference.can_stream(bundle)
    features = _features(40, 3, 90)
    found = inference.classify(bundle, features)
    for n, frames in enumerate(features):
        np.testing.assert_allclose(
            found.probabilities[n], _expected(bundle, frames)[1], atol=1e-5
        )


@pytest.mark.parametrize("streams", [True, False])
def test_no_utterance_and_no_frame_are_results_too(streams, monkeypatch):
    build = aggregators.build
    if not streams:
        monkeypatch.setattr(
            aggregators, "build", lambda pooling: build(pooling)._replace(stream=None)
        )
    bundle = _bundle("mean")
    found = inference.finish(bundle, inference.start(bundle, 2))
    np.testing.assert_allclose(found.probabilities, np.full((2, 3), 1 / 3), atol=1e-6)
    assert [part.shape for part in inference.classify(bundle, [])] == [(0, 6), (0, 3)]


def test_a_walk_goes_on_after_a_result():
    bundle, (frames,) = _bundle("mean"), _features(50)
    walk, mask = inference.start(bundle, 1), np.ones((50, 1), bool)
    for begin, end in ((0, 7), (7, 7), (7, 50)):
        part = frames[begin:end, None]
        walk = inference.advance(bundle, walk, part, mask[begin:end])
        found = inference.finish(bundle, walk)
        expected = _expected(bundle, frames[:end])[1]
        np.testing.assert_allclose(found.probabilities[0], expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, DIM + 1), (0, DIM), (3,)])
def test_features_of_another_kind_are_refused(shape):
    with pytest.raises(InputError, match=rf"utterance 1: .* \[frames, {DIM}\]"):
        inference.classify(_bundle("mean"), [*_features(4), np.zeros(shape)])
