"""Embeddings next to a plain forward pass; networks on the disk are tiny and random.

Needs `pip install -e '.[embeddings]'`: .ci/long runs it.
"""

import json
import re
from functools import cache

import numpy as np
import pytest
import soundfile

from vladser import registry, testing
from vladser.errors import InputError
from vladser.features import audio, headers, worker
from vladser.features.extraction import extract
from vladser.types import Utterance

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import networks  # noqa: E402 (it imports both)

pytestmark = pytest.mark.long

KINDS = [*networks.KINDS]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of each kind."""
    root = tmp_path_factory.mktemp("networks")
    return {kind: networks.save(kind, root / kind) for kind in KINDS}


def build(folder, **options):
    given = "".join(f",{name}={value}" for name, value in options.items())
    part = registry.features.parse(f"embedding(model='{folder}'{given})")
    return registry.features.build(part)


def noise(samples, seed=0):
    draw = np.random.default_rng(seed)
    return (0.1 * draw.normal(size=samples)).clip(-1, 0.999).astype(np.float32)


@cache
def loaded(folder):
    """The network in a folder, and what prepares signals for it."""
    config = json.loads((folder / "config.json").read_text())
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    network = getattr(transformers, config["architectures"][0])
    prepare = getattr(transformers, settings["feature_extractor_type"])
    network = network.from_pretrained(folder).eval()
    return config["model_type"], network, prepare.from_pretrained(folder)


@torch.no_grad()
def forward(folder, signal):
    """All hidden layers [L + 1, T, D] of one signal, without a mask or padding, but for
    whisper's; what prepares it for wav2vec 2.0 and its like is written out."""
    kind, network, prepare = loaded(folder)
    if kind in ("whisper", "wav2vec2-bert"):
        inputs = prepare(signal, sampling_rate=16000, return_tensors="pt")
        encoder = network.encoder if kind == "whisper" else network
        # Half a frame at the end is padded.
        frames = inputs["attention_mask"].sum() if kind == "wav2vec2-bert" else None
        values = inputs["input_features"][:, :frames]
    else:
        signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        values = torch.from_numpy(signal.astype(np.float32))[None]
        encoder = network
    states = encoder(values, output_hidden_states=True).hidden_states
    return torch.stack(states)[:, 0].numpy()


def close(one, other):
    """By 1e-4, in units of their standard deviation."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * other.std())


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_are_the_hidden_layers_of_the_network(saved, kind):
    signal = noise(20011)
    layers = forward(saved[kind], signal)
    assert len(layers) == 4
    for layer in 0, 2, 3, "mean":
        features = build(saved[kind], layer=layer)
        found = features.setup()(signal)
        expected = layers.mean(axis=0) if layer == "mean" else layers[layer]
        assert found.shape == (features.frames(20011), features.dim)
        if kind == "whisper":  # the rest is of 30 s of padding
            assert len(found) == 63 and expected.shape == (1500, 32)
            expected = expected[:63]
        close(found, expected)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "whisper"])
def test_the_frames_are_known_from_the_settings(saved, kind):
    features, draw = build(saved[kind]), np.random.default_rng(1)
    assert features.shortest == 960
    for n in *range(960, 1300, 37), *draw.integers(1300, 48000, 30).tolist():
        assert features.frames(n) == forward(saved[kind], noise(n)).shape[1], n


@pytest.mark.parametrize("kind", KINDS)
def test_they_keep_the_contract(saved, kind):
    testing.check_features(build(saved[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_gives_what_each_signal_does_alone(saved, kind):
    """As on an accelerator: here each would be encoded by itself."""
    features = build(saved[kind], layer=3)
    network = features.setup()
    signals = [noise(n, n) for n in (5000, 16000, 5000, 7001)]
    alone = [network(signal) for signal in signals]
    for one, other in zip(features.batch(network, signals), alone, strict=True):
        np.testing.assert_array_equal(one, other)
    network.device = torch.device("meta")  # no CPU
    lengths = [len(signal) for signal in signals]
    groups = network.groups(lengths)
    assert sorted(place for group in groups for place in group) == [0, 1, 2, 3]
    pads = kind not in ("wav2vec2", "hubert", "data2vec-audio", "wav2vec2-conformer")
    assert groups == [[0, 1, 2, 3]] if pads else [[0, 2], [3], [1]]
    network.device = torch.device("cpu")
    for group in groups:
        together = network.encode([signals[place] for place in group])
        for place, found in zip(group, together, strict=True):
            close(found, alone[place])


def test_whisper_sees_windows_of_30_seconds(saved):
    features = build(saved["whisper"], layer=2)
    signal = noise(16000 * 30 + 5000)
    found = features.setup()(signal)
    assert len(found) == features.frames(len(signal)) == 1500 + 16
    first, rest = forward(saved["whisper"], signal[: 16000 * 30])[2], signal[480000:]
    close(found, np.concatenate([first, forward(saved["whisper"], rest)[2][:16]]))


@pytest.fixture
def utterances(tmp_path):
    """Of some lengths, and one that is no audio."""
    made = []
    for place, samples in enumerate((16000, 8000, 12000, 8000, 9001, 24000)):
        file = tmp_path / f"{place}.wav"
        soundfile.write(file, noise(samples, place), 16000)
        made.append(Utterance(f"{place}", file, "speaker", "neutral"))
    (tmp_path / "bad.wav").write_text("words")
    return [*made, Utterance("bad", tmp_path / "bad.wav", "speaker", "neutral")]


def test_they_are_extracted_and_cached_and_cost_one_file_each(
    saved, utterances, tmp_path
):
    """In workers as the program starts them, and batches in which one file is bad."""
    features = build(saved["wavlm"], layer=2)
    found = extract(utterances, tmp_path / "cache", features=features)
    assert [*found.bad] == ["bad"] and found.computed == 6
    versions = rf"torch-[\d.]+_transformers-{re.escape(transformers.__version__)}"
    assert re.fullmatch(rf"{features.id}/{versions}", found.feature_set)
    for one in utterances[:-1]:
        close(found.features[one.id], forward(saved["wavlm"], audio.load(one.file))[2])
    counted = headers.expect(utterances, features, 60.0)
    assert counted.frames == {id: len(x) for id, x in found.features.items()}
    again = extract(utterances, tmp_path / "cache", features=features)
    assert (again.computed, again.cached) == (0, 6)
    np.testing.assert_array_equal(again.features.frames, found.features.frames)

    half = extract(
        utterances[:2],
        tmp_path / "half",
        features=build(saved["wavlm"], layer=2, half="true"),
    )
    assert half.features.frames.dtype == np.float32
    kept = [np.load(file).dtype for file in (tmp_path / "half").rglob("*.npy")]
    assert kept == [np.float16] * 2
    expected = found.features["0"].astype(np.float16)
    np.testing.assert_array_equal(half.features["0"], expected)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"no"),
            "be loaded:",
        ),
        (
            lambda folder: networks.save("hubert", folder),
            "not those of its config.json",
        ),
    ],
)
def test_a_network_that_cannot_be_loaded_is_one_line(tmp_path, break_it, said):
    """One of other weights, too: transformers would draw them at random."""
    folder = networks.save("wav2vec2-layer", tmp_path / "network")
    config = (folder / "config.json").read_bytes()
    break_it(folder)
    (folder / "config.json").write_bytes(config)
    with pytest.raises(InputError, match=said) as error:
        worker.set_up(build(folder))
    assert f"{folder}" in str(error.value) and "\n" not in str(error.value)


def test_a_network_that_changed_is_not_taken_for_the_one_before(tmp_path):
    features = build(networks.save("hubert", tmp_path))
    networks.save("hubert", tmp_path, seed=1)
    with pytest.raises(
        InputError, match=r"is not the .* that the experiment began with"
    ):
        features.setup()
