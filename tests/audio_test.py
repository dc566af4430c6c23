import os

import numpy as np
import pytest
import soundfile

from vladser.features import audio
from vladser.features.audio import BadAudio, expected_samples, load
from vladser.types import Utterance

pytestmark = pytest.mark.fault("audio")

TOP = np.float32(32767 / 32768)


def tone(seconds=1.0, rate=16000, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.wav"


def refused(file, *arguments):
    """The reason for which `file` is refused."""
    with pytest.raises(BadAudio) as error:
        load(file, *arguments)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("rate", [16000, 22050, 24414, 44100, 48000, 96000])
def test_channels_are_averaged_and_higher_rates_become_16_khz(file, rate):
    left, right = tone(rate=rate), tone(rate=rate, hertz=1000)
    soundfile.write(file, np.stack([left, right], 1), rate, "FLOAT")
    signal = load(file)
    assert len(signal) == 16000
    middle = slice(800, -800)  # the resampling filter sees zeros beyond the ends
    expected = (tone() + tone(hertz=1000)) / 2
    np.testing.assert_allclose(signal[middle], expected[middle], atol=1e-5)


def test_what_exceeds_full_scale_is_clipped_and_does_not_wrap(file):
    square = 1.5 * np.sign(tone(rate=48000, hertz=100))
    soundfile.write(file, square, 48000, "FLOAT")
    signal = load(file)
    assert (signal.min(), signal.max()) == (-1, TOP)
    middle = np.abs(tone(hertz=100)) > 0.1
    assert (np.sign(signal) == np.sign(tone(hertz=100)))[middle].all()


def test_content_decides_and_not_the_name(tmp_path, file):
    soundfile.write(file, tone(), 16000, format="AIFF")
    assert len(load(file)) == 16000
    soundfile.write(file, tone(), 16000)
    assert len(load(file.rename(tmp_path / "wave.raw"))) == 16000
    for name in "text.wav", "text.au", "text.raw":
        (tmp_path / name).write_text("not audio " * 1000)
        assert "not audio" in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("kind", "size", "reason"),
    [
        ("WAV", 0, "not audio"),
        ("WAV", 30, "not audio"),
        ("WAV", 44, "0 samples at 16000 Hz: expected at least 960"),
        ("FLAC", -1000, ""),
    ],
)
def test_a_file_cut_short_is_refused(file, kind, size, reason):
    soundfile.write(file, tone(), 16000, format=kind)
    file.write_bytes(file.read_bytes()[:size])
    assert reason in refused(file)


@pytest.mark.parametrize("rate", [0, 1, 8000, 15999, 768001, 2**31 - 1, 2**32 - 1])
def test_rates_that_no_microphone_has_or_below_16_khz_are_refused(file, rate):
    soundfile.write(file, tone(), 16000)
    content = bytearray(file.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    file.write_bytes(content)
    reason = refused(file)
    if 0 < rate < 2**31:  # other values libsndfile refuses itself
        assert f"{rate} Hz: expected 16000 to 768000 Hz" in reason


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 32000])
def test_samples_that_are_no_sound_are_refused(file, value):
    samples = tone()
    samples[7] = value
    soundfile.write(file, samples, 16000, "FLOAT")
    assert f"a sample is {abs(value):g}" in refused(file)


def test_60_ms_are_enough_and_less_is_refused(file):
    soundfile.write(file, np.zeros(960), 16000)  # silence is audio
    assert len(load(file)) == 960
    soundfile.write(file, tone()[:959], 16000)
    assert "959 samples" in refused(file)


def test_61_s_are_refused_before_they_are_decoded(file, monkeypatch):
    soundfile.write(file, np.zeros(61 * 16000), 16000)
    assert len(load(file, max_seconds=61.0)) == 61 * 16000
    monkeypatch.setattr(soundfile.SoundFile, "blocks", None)
    assert "61.000 s: expected at most 60 s" in refused(file)


def test_a_segment_is_read_alone_out_of_a_long_file(file):
    samples = np.arange(-32768, 15232, dtype=np.int16)  # 3 s
    soundfile.write(file, samples, 16000)
    for start, end in (None, None), (0.5, 1.25), (None, 1.0), (2, None), (2.5, 3.005):
        first, last = (start or 0) * 16000, min(end or 3, 3) * 16000
        signal = load(file, start, end, max_seconds=3)
        np.testing.assert_array_equal(signal * 32768, samples[int(first) : int(last)])
    assert len(load(file, 1.0, 1.5, max_seconds=0.5)) == 8000
    assert "expected at most 0.5 s" in refused(file, 1.0, 1.6, 0.5)


@pytest.mark.parametrize(
    "segment", [(0, 1.1), (2, None), (2, 3), (-0.5, 0.5), (0.7, 0.3), (np.nan, 0.5)]
)
def test_a_segment_that_the_file_lacks_is_refused(file, segment):
    soundfile.write(file, tone(), 16000)
    assert "it lasts 1.000 s" in refused(file, *segment)


def test_what_cannot_be_opened_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "secret").touch(mode=0)
    cases = {"missing": "No such file", ".": "folder", "pipe": "device"}
    if os.geteuid():  # root may read it
        cases["secret"] = "Permission denied"
    for use in load, audio.digest:
        for name, reason in cases.items():
            with pytest.raises(BadAudio, match=reason):
                use(tmp_path / name)


def expected(file, max_seconds=60.0, **segment):
    return expected_samples(Utterance("a", file, "s", "sad", **segment), max_seconds)


@pytest.mark.parametrize("rate", [16000, 22050, 24414, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.0614, 1.2345])
def test_the_header_says_how_many_samples_will_be_read(tmp_path, rate, seconds):
    file = tmp_path / "a.raw"  # the content decides what it is
    soundfile.write(file, np.stack([tone(seconds, rate)] * 2, 1), rate, format="WAV")
    slack = 0 if rate == 16000 else 1  # the resampler may round a sample up
    for segment in {}, {"end": 0.0612}, {"start": 0.001, "end": 0.0613}:
        read = load(file, **segment, shortest=0)
        assert abs(expected(file, **segment) - len(read)) <= slack


def test_of_what_would_be_refused_nothing_is_expected(file, tmp_path):
    soundfile.write(tmp_path / "slow.wav", tone(rate=8000), 8000)
    for bad in tmp_path / "slow.wav", tmp_path, tmp_path / "none.wav":
        assert expected(bad) == 0
    soundfile.write(file, tone(), 16000)
    assert expected(file, max_seconds=0.9) == expected(file, start=1.5) == 0
