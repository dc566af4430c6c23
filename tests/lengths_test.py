import os

import numpy as np
import pytest
import soundfile

from vladser.features import audio, lengths
from vladser.features.smile import Smile
from vladser.types import Utterance


def _utterance(file, **segment):
    return Utterance(file.stem, file, "speaker", "neutral", **segment)


@pytest.fixture
def noise(tmp_path):
    def write(seconds, rate=16000, name="noise.wav", channels=1):
        samples = np.random.default_rng(0).uniform(
            -0.5, 0.5, (round(seconds * rate), channels)
        )
        soundfile.write(tmp_path / name, samples, rate, format="WAV")
        return tmp_path / name

    return write


@pytest.mark.parametrize("samples", [960, 1119, 1120, 1121, 16000, 16159])
def test_frames_are_as_many_as_opensmile_gives(samples):
    signal = np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)
    assert lengths.frames(samples) == len(Smile()(signal))


@pytest.mark.parametrize("rate", [16000, 22050, 24414, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.0614, 0.5, 1.2345])
def test_the_estimate_is_the_length_of_the_decoded_signal(noise, rate, seconds):
    file = noise(seconds, rate, channels=2)
    wanted = lengths.frames(len(audio.load(file)))
    slack = 0 if rate == 16000 else 1  # the resampler may round a sample up
    assert abs(lengths.estimate(_utterance(file)) - wanted) <= slack


@pytest.mark.parametrize(
    "segment", [{"start": 0.25}, {"end": 0.75}, {"start": 0.3, "end": 0.8}]
)
def test_a_segment_counts_alone(noise, segment):
    file = noise(1.0)
    wanted = lengths.frames(len(audio.load(file, **segment)))
    assert lengths.estimate(_utterance(file, **segment)) == wanted


def test_the_content_decides_what_a_file_is(noise):
    assert lengths.estimate(_utterance(noise(1.0, name="noise.raw"))) == 96


def test_what_the_audio_guard_would_refuse_has_no_length(noise, tmp_path):
    text, pipe = tmp_path / "text.wav", tmp_path / "pipe.wav"
    text.write_text("words")
    os.mkfifo(pipe)
    slow = noise(1.0, 8000, "slow.wav")
    files = [text, pipe, slow, tmp_path, tmp_path / "none.wav"]
    files += [noise(0.05, name="short.wav"), noise(61, name="long.wav")]
    for file in files:
        assert lengths.estimate(_utterance(file)) is None, file
    assert lengths.estimate(_utterance(noise(1.0), start=0.99)) is None
    assert lengths.estimate(_utterance(files[-1]), max_seconds=61) == 6096
