import os

import numpy as np
import pytest
import soundfile

from vladser.features import audio
from vladser.features.audio import CANCELS, EXCEEDS, BadAudio, expected_samples, load
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


@pytest.mark.fault("odd audio")
def test_samples_above_full_scale_are_scaled_to_the_peak_and_noted(file):
    """Recorders of 32-bit floats write them; clipped, they would be other sounds."""
    for peak, rate in (1.5, 16000), (9.9, 48000), (1.0, 48000), (1.0001, 16000):
        samples = peak * 2 * tone(rate=rate)
        soundfile.write(file, samples, rate, "FLOAT")
        notes = []
        signal = load(file, note=notes.append)
        assert notes == [EXCEEDS] * (peak > 1.001)
        assert signal.min() >= -1 and signal.max() <= TOP
        middle = slice(800, -800)
        np.testing.assert_allclose(signal[middle], 2 * tone()[middle], atol=2e-4)


def test_lossy_codecs_overshoot_which_is_clipped_as_always(file):
    square = np.sign(tone())
    for code, container in ("MPEG_LAYER_III", "MP3"), ("VORBIS", "OGG"):
        soundfile.write(file, square, 16000, code, format=container)
        decoded, _ = soundfile.read(file)
        assert decoded.max() > 1.05
        notes = []
        signal = load(file, note=notes.append)
        np.testing.assert_allclose(signal, decoded.clip(-1, TOP), atol=1e-6)
        assert not notes


@pytest.mark.fault("odd audio")
def test_of_channels_that_cancel_the_loudest_is_taken_and_noted(file):
    voice, noise = tone(), 1e-3 * np.random.default_rng(0).uniform(-1, 1, 16000)
    cases = [
        ([voice, -voice], 0, True),
        ([1.001 * voice + 0.1, -voice], 0, True),  # the constant is no signal
        ([voice / 2, -voice, voice / 2], 1, True),
        ([voice, noise - voice], 0, True),
        ([voice, np.append(0 * voice[:-100], voice[-100:]) - voice], 0, True),
        ([voice, 0 * voice], None, False),
        ([voice, noise], None, False),
        ([voice, -voice / 2], None, False),
    ]
    for channels, taken, noted in cases:  # of alike channels the first
        soundfile.write(file, np.stack(channels, 1), 16000, "DOUBLE")
        notes = []
        for start in 0, 0.5:
            signal = load(file, start=start, note=notes.append)
            if taken is not None:
                expected = channels[taken][round(start * 16000) :]
                np.testing.assert_allclose(signal, expected, atol=1e-6)
            assert np.ptp(signal) > 0.2
        assert notes == [CANCELS] * 2 * noted


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
    soundfile.write(file, tone()[:960], 16000)
    assert len(load(file)) == 960
    soundfile.write(file, tone()[:959], 16000)
    assert "959 samples" in refused(file)


def test_61_s_are_refused_before_they_are_decoded(file, monkeypatch):
    soundfile.write(file, tone(61), 16000)
    assert len(load(file, max_seconds=61.0)) == 61 * 16000
    monkeypatch.setattr(soundfile.SoundFile, "read", None)
    assert "61.000 s: expected at most 60 s" in refused(file)


DITHER = np.random.default_rng(0).integers(-1, 2, 16000) / 32768


@pytest.mark.parametrize(
    "channels",
    [
        [np.zeros(16000)],
        [np.full(16000, 0.25)],  # a microphone's offset
        [DITHER],
        [DITHER + 0.1],
        [np.zeros(16000), np.zeros(16000)],
        [np.full(16000, 0.1), np.full(16000, -0.1)],
    ],
)
@pytest.mark.parametrize(
    "kind", ["WAV PCM_16", "WAV FLOAT", "FLAC PCM_24", "AU PCM_16"]
)
def test_what_holds_no_sound_is_refused(file, kind, channels):
    container, code = kind.split()
    soundfile.write(file, np.stack(channels, 1), 16000, code, format=container)
    assert refused(file) == "is silent: expected speech"


@pytest.mark.parametrize(
    "kind",
    ["WAV ULAW", "WAV PCM_U8", "WAV IMA_ADPCM", "MP3 MPEG_LAYER_III", "OGG OPUS"],
)
def test_silence_is_silent_in_any_codec(file, kind):
    container, code = kind.split()
    soundfile.write(file, np.zeros(16000), 16000, code, format=container)
    assert refused(file) == "is silent: expected speech"


def test_a_silent_segment_is_refused_and_the_others_are_not(file):
    soundfile.write(file, np.concatenate([tone(), np.zeros(16000), tone()]), 16000)
    assert "silent" in refused(file, 1.0, 2.0)
    assert len(load(file)) == 48000
    for segment in (0, 1), (2, 3), (0.9, 2):
        load(file, *segment)


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
        read = load(file, **segment)
        assert abs(expected(file, **segment) - len(read)) <= slack


def test_the_header_is_refused_in_the_words_of_the_sound(file, tmp_path):
    soundfile.write(tmp_path / "slow.wav", tone(rate=8000), 8000)
    soundfile.write(tmp_path / "short.wav", tone(0.05), 16000)
    soundfile.write(file, tone(), 16000)
    (tmp_path / "cut.wav").write_bytes(file.read_bytes()[:20000])
    (tmp_path / "text.wav").write_text("words")
    names = "slow.wav", "short.wav", "cut.wav", "text.wav", ".", "none.wav"
    cases = [(tmp_path / name, {}, 60.0) for name in names]
    cases += [(file, {}, 0.9), (file, {"start": 1.5}, 60.0)]
    for bad, segment, longest in cases:
        with pytest.raises(BadAudio) as by_header:
            expected(bad, longest, **segment)
        with pytest.raises(BadAudio) as by_sound:
            load(bad, **segment, max_seconds=longest)
        assert str(by_header.value) == str(by_sound.value)
