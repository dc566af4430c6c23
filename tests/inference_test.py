from unittest import mock

import jax
import numpy as np
import pytest
import streams
from closeness import assert_same

from vladser import model
from vladser.errors import InputError
from vladser.models import inference

pytestmark = pytest.mark.numeric

DIM, CELLS, LONGEST = 5, 8, 96
TERMS = LONGEST * (DIM + CELLS)


def _bundle(pooling):
    return streams.random_bundle(pooling, feature_set="toy", dim=DIM)


def _features(*lengths):
    draw = np.random.default_rng(sum(lengths))
    return [draw.normal(size=(n, DIM)).astype(np.float32) for n in lengths]


_forward = jax.jit(model.forward, static_argnums=1)


def _expected(bundle, features):
    """The model on whole utterances, in float64."""
    mask = np.arange(LONGEST)[:, None] < [len(frames) for frames in features]
    padded = np.zeros((*mask.shape, DIM))
    for row, frames in enumerate(features):
        padded[: len(frames), row] = (frames.astype(float) - bundle.mean) * bundle.scale
    with jax.enable_x64(True):
        params = jax.tree.map(np.float64, bundle.params)
        embedding, logits = _forward(params, bundle.spec, padded, mask)
        return jax.device_get((embedding, jax.nn.softmax(logits)))


@pytest.mark.slow
def test_one_program_serves_all_lengths(compiled):
    for length in (1, 31, 32, 33, 70):
        inference.classify(_bundle("netvlad"), _features(length))
    assert compiled.count("jit(_advance)") == compiled.count("jit(_finish)") == 1


@pytest.mark.slow
def test_an_accelerator_takes_whole_utterances_by_one_program_a_power_of_two(
    compiled, monkeypatch
):
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    calls = mock.Mock(wraps=inference._advance)
    monkeypatch.setattr(inference, "_advance", calls)
    for lengths in (1, 64), (65, 128, 100), (90,):
        inference.classify(_bundle("netvlad"), _features(*lengths))
    assert calls.call_count == 3  # one a batch
    assert compiled.count("jit(_advance)") == 2


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "tpu"])
@pytest.mark.parametrize(
    ("pooling", "streaming"), [("netvlad", True), ("toys.whole_mean", False)]
)
def test_utterances_of_any_lengths_are_classified_in_their_order(
    monkeypatch, pooling, streaming, device
):
    monkeypatch.setattr(jax, "default_backend", lambda: device)
    bundle = _bundle(pooling)
    assert model.streams(bundle.spec) == streaming
    features = _features(1, 70, 3, 32, 33, 64, 5, 12, 31, 2)
    found = inference.classify(bundle, features)
    assert_same(tuple(found), _expected(bundle, features), TERMS)


def test_no_utterance_and_no_frame_are_results_too():
    bundle = _bundle("mean")
    found = inference.finish(bundle, inference.start(bundle, 2))
    bias = np.exp(bundle.params.head.bias)  # all that is left of it
    assert_same(found.probabilities, np.stack([bias / bias.sum()] * 2), 3)
    assert not found.embedding.any()
    assert [part.shape for part in inference.classify(bundle, [])] == [(0, 8), (0, 4)]


@pytest.mark.parametrize("shape", [(3, DIM + 1), (0, DIM), (3,)])
def test_features_of_another_kind_are_refused(shape):
    with pytest.raises(InputError, match=rf"utterance 1: .* \[frames, {DIM}\]"):
        inference.classify(_bundle("mean"), [*_features(4), np.zeros(shape)])


def test_an_energy_that_is_missing_or_of_other_frames_is_refused():
    bundle = streams.random_bundle(feature_set="toy", dim=DIM, pieces="loudest")
    features = _features(30, 40)
    with pytest.raises(InputError, match=r"loudest.* need the energy of frames"):
        inference.classify(bundle, features)
    for wrong in np.zeros(39), np.zeros((40, 1)):
        with pytest.raises(InputError, match=r"utterance 1: expected energy \[40\]"):
            inference.classify(bundle, features, [np.zeros(30), wrong])
