"""openSMILE's own sets, next to opensmile.Smile."""

import numpy as np
import opensmile
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser.errors import InputError
from vladser.features import audio, lengths, sets
from vladser.features.audio import BadAudio
from vladser.features.extraction import extract
from vladser.features.smile import Smile
from vladser.types import Utterance

OWN = {"eGeMAPSv02": 25, "ComParE_2016": 65}


@pytest.fixture(scope="module", params=OWN)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def ours(name):
    return Smile(name)


@pytest.fixture(scope="module")
def theirs(name):
    level = opensmile.FeatureLevel.LowLevelDescriptors
    return opensmile.Smile(opensmile.FeatureSet[name], level)


@pytest.fixture(scope="module")
def signal():
    """Two seconds: voiced with a moving pitch, with pauses and a little noise."""
    random = np.random.default_rng(1)
    time = np.arange(32000) / 16000
    phase = 2 * np.pi * np.cumsum(170 + 60 * np.sin(2 * np.pi * time)) / 16000
    voice = sum(np.sin(k * phase) / k for k in range(1, 15))
    loudness = np.clip(np.sin(2 * np.pi * 3 * time), 0, None)
    return (0.2 * loudness * voice + random.normal(0, 2e-3, 32000)).astype(np.float32)


def test_the_columns_are_named_as_opensmile_names_them(name, theirs):
    assert list(sets.find(name).names) == theirs.feature_names
    assert len(theirs.feature_names) == OWN[name]


@pytest.mark.parametrize("n", [960, 1119, 1120, 1121, 7777, 16000, 16159, 32000])
def test_values_and_frames_are_those_of_opensmile_to_the_bit(ours, theirs, signal, n):
    expected = theirs(signal[:n], 16000)[0].T
    np.testing.assert_array_equal(ours(signal[:n]), expected)
    assert lengths.frames(n) == len(expected)


@pytest.mark.filterwarnings("ignore:Segment too short")
def test_the_shortest_signal_is_that_of_opensmile(ours, theirs, signal):
    assert np.isnan(theirs(signal[:959], 16000)).all()
    with pytest.raises(BadAudio, match="0 finite frames of 0"):
        ours(signal[:959])


@pytest.mark.usefixtures("quick_workers")
def test_each_set_has_entries_of_its_own_in_the_cache(name, theirs, signal, tmp_path):
    soundfile.write(tmp_path / "a.wav", signal, 16000)
    utterances = [Utterance("a", tmp_path / "a.wav", "s", "sad")]
    cache_dir = tmp_path / "cache"
    default = extract(utterances, cache_dir, workers=1)
    found = extract(utterances, cache_dir, features=name, workers=1)
    assert (found.computed, found.cached) == (1, 0)
    assert found.feature_set != default.feature_set
    assert found.feature_set.startswith(f"{name}-")
    assert found.feature_set.endswith(f"/opensmile-{opensmile.__version__}")
    expected = theirs(audio.load(tmp_path / "a.wav"), 16000)[0].T
    np.testing.assert_array_equal(found.features["a"], expected)
    again = extract(utterances, cache_dir, features=name)
    assert (again.computed, again.cached) == (0, 1)


def test_an_unknown_set_is_refused(tmp_path):
    known = "one of vladser147, eGeMAPSv02, ComParE_2016 is right"
    with pytest.raises(InputError, match=f"features 'eGeMAPS': {known}"):
        extract([], tmp_path, features="eGeMAPS")
