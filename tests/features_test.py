"""Features by their names, and those of a user's own."""

import re
import sys

import documented
import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser import registry, testing
from vladser.errors import InputError
from vladser.features import DEFAULT, NAMES, audio
from vladser.features.extraction import extract
from vladser.features.headers import expect
from vladser.types import Utterance


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Those that docs/extending.md shows."""
    shown = dict(documented.own_poolings("docs/extending.md"))
    (tmp_path / "my_features.py").write_text(shown["my_features.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_features", raising=False)
    return build("my_features.spectrum(hop=320)")


@pytest.fixture
def utterance(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    return Utterance("a", tmp_path / "a.wav", "speaker", "neutral")


def build(text):
    return registry.features.build(registry.features.parse(text))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"dim": 2}, "frames [frames(n), D], float32 and finite: expected (1, 2), got"),
        ({"frames": len}, "extract returns frames"),
        ({"id": "a b"}, "the id has letters, digits, _, . and - alone: got 'a b'"),
        ({"live": lambda extract: None}, "features can be pickled"),
    ],
)
def test_the_rule_of_the_contract_that_is_broken_is_named(own, broken, rule):
    testing.check_features(own)
    with pytest.raises(AssertionError, match=re.escape(rule)):
        testing.check_features(own._replace(**broken))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("npy", "embedding")])
def test_each_set_keeps_the_contract_live_too(name):
    testing.check_features(build(name))


def mel_energies(signal, bands):
    """Of Hamming windows of 400 samples; triangles that are straight in mel."""
    mel = lambda hertz: 1127 * np.log(1 + np.asarray(hertz) / 700)  # noqa: E731
    edges, at = np.linspace(0, mel(8000), bands + 2), mel(np.arange(257) * 16000 / 512)
    frames = []
    for start in range(0, len(signal) - 399, 160):
        window = signal[start : start + 400] * np.hamming(400)
        power = np.abs(np.fft.rfft(window, 512)) ** 2
        energies = []
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
            up, down = (at - low) / (middle - low), (high - at) / (high - middle)
            energies.append(power @ np.clip(np.minimum(up, down), 0, None))
        frames.append(np.log(np.maximum(energies, 1e-10)))
    return np.array(frames)


@pytest.mark.parametrize("bands", [26, 40])
def test_logmel_is_the_logarithm_of_energies_in_mel_bands(bands):
    features = build(f"logmel(bands={bands})")
    extract, draw = features.setup(), np.random.default_rng(1)
    noise = (0.1 * draw.normal(size=8000)).clip(-1, 0.999).astype(np.float32)
    samples = (noise * np.float32(32768)).astype(np.int16)
    for n in 400, 559, 560, 8000:
        found = extract(noise[:n])
        assert (
            found.shape == (features.frames(n), bands) == ((n - 400) // 160 + 1, bands)
        )
        # openSMILE has 32767 for full scale; the error is that of float32.
        expected = mel_energies(samples[:n] / 32767, bands)
        np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(extract(np.zeros(400, np.float32)), np.log(1e-10))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
def test_the_energy_of_frames_is_that_of_the_signal_below(tmp_path):
    """Of noise whose level changes every half a second, by up to 40 dB."""
    draw = np.random.default_rng(0)
    levels = np.repeat([0.3, 0.003, 0.1, 0.01, 0.2], 8000)
    soundfile.write(tmp_path / "a.wav", levels * draw.uniform(-1, 1, 40000), 16000)
    one = Utterance("a", tmp_path / "a.wav", "speaker", "neutral")
    signal = audio.load(one.file).astype(float)
    found, energy = {}, {}
    for name in ("vladser147", "han30", "lee32", "logmel", "ComParE_2016"):
        done = extract(
            [one], tmp_path, features=build(name), workers=1, with_energy=True
        )
        found[name], energy[name] = done.features["a"], done.energy["a"]
        assert energy[name].shape == (len(found[name]),) and (energy[name] >= 0).all()
        windows = (signal[160 * t : 160 * t + 400] for t in range(len(found[name])))
        powers = [np.mean(window**2) for window in windows]
        alike = np.corrcoef(np.log(energy[name]), np.log(powers))
        assert alike[0, 1] > 0.97, name
    column = build(DEFAULT).setup().names.index("pcm_RMSenergy_sma")
    rms = found["vladser147"][:, column]
    for name in "vladser147", "han30", "lee32":
        np.testing.assert_array_equal(energy[name], rms * rms)
    bands = np.exp(found["logmel"].astype(float))
    np.testing.assert_allclose(energy["logmel"], bands.sum(axis=1), rtol=1e-5)
    assert not extract([one], tmp_path).energy  # it was not asked for
    told = extract([one], tmp_path, features=build("eGeMAPSv02"), with_energy=True)
    assert not told.energy


def logarithm():
    return lambda signal: np.log(np.abs(signal[:3, None]) - np.abs(signal[0]))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
@pytest.mark.fault("audio")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_features_that_are_not_finite_or_not_as_they_say_are_bad(utterance, tmp_path):
    broken = build(DEFAULT)._replace(
        setup=logarithm, id="own", frames=None, packages=()
    )
    for dim, reason in (
        (1, r"shape \(3, 1\): expected finite ones"),
        (2, r"of \(3, 2\)"),
    ):
        found = extract(
            [utterance], tmp_path, features=broken._replace(dim=dim), workers=1
        )
        assert re.search(reason, found.bad["a"]) and not [*tmp_path.rglob("*.npy")]


@pytest.mark.usefixtures("quick_workers")
@pytest.mark.parametrize(("name", "statics"), [("han30", 15), ("lee32", 16)])
def test_a_selection_costs_no_extraction(utterance, tmp_path, name, statics):
    whole, features = build(DEFAULT), build(name)
    names = whole.setup().names
    _, columns = features.selected
    chosen = [names[column] for column in columns]
    assert len(set(chosen)) == 2 * statics == features.dim
    assert [name.replace("_de", "") for name in chosen[statics:]] == chosen[:statics]
    known = extract([utterance], tmp_path, features=whole, workers=1).features["a"]
    found = extract([utterance], tmp_path, features=features)
    assert (found.computed, found.cached) == (0, 1)
    np.testing.assert_array_equal(found.features["a"], known[:, columns])
    assert len([*tmp_path.rglob("*.npy")]) == 1
    assert found.feature_set.startswith(f"{features.id}/opensmile-")


def test_features_of_ones_own_are_extracted_and_cached(own, utterance, tmp_path):
    """In a worker as the program starts it, which knows the path of its parent."""
    done = extract([utterance], tmp_path / "cache", features=own, workers=1)
    signal = audio.load(utterance.file).astype(np.float64)
    spectra = [
        np.abs(np.fft.rfft(signal[at : at + 400] * np.hanning(400)))
        for at in range(0, 16000 - 399, 320)
    ]
    expected = np.log(np.array(spectra) + 1e-5)
    np.testing.assert_allclose(done.features["a"], expected, atol=1e-3)
    assert (done.feature_set, done.computed) == ("spectrum-320", 1)
    again = extract([utterance], tmp_path / "cache", features=own)
    assert (again.computed, again.cached) == (0, 1)
    assert expect([utterance], own, 60.0) == ({"a": 49}, 201, {})


@pytest.mark.usefixtures("quick_workers")
def test_each_set_has_entries_of_its_own_in_the_cache(utterance, tmp_path):
    sets = [build(name) for name in (DEFAULT, "eGeMAPSv02")]
    for features, columns in zip(sets, (147, 25), strict=True):
        done = extract([utterance], tmp_path, features=features, workers=1)
        assert done.computed == 1
        assert done.features["a"].shape == (96, columns)
        assert expect([utterance], features, 60.0) == ({"a": 96}, columns, {})
        assert re.fullmatch(rf"{features.id}/opensmile-[\d.]+", done.feature_set)
    assert extract([utterance], tmp_path, features=sets[0]).cached == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "eGeMAPS",
            "expected one of ComParE_2016, eGeMAPSv02, embedding, han30, lee32",
        ),
        ("npy(name='a b')", "name: expected letters, digits and _.-, got 'a b'"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        build(text)
