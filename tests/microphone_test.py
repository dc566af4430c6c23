"""Microphones of any rate and number of channels, by a sounddevice that is made up."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from launch.command_line import stopping
from launch.streaming import sources
from vladser.errors import InputError

pytestmark = pytest.mark.fault("streams")


class PortAudioError(Exception):
    """What a device says of settings that it does not have."""


def device(monkeypatch, samples, rate, offers, active=True):
    """Makes it the default microphone: it hears the samples [n, channels] if it is
    opened with one of the (rate, channels) that it offers, and is told to stop then;
    or, if not `active`, is gone."""
    asked = []
    monkeypatch.setattr(stopping, "asked", lambda: bool(asked))

    def check(samplerate, channels, dtype):
        if (samplerate, channels) not in offers or dtype != "int16":
            raise PortAudioError("Invalid sample rate")

    class Stream:
        def __init__(self, samplerate, channels, dtype, callback):
            check(samplerate, channels, dtype)
            self.callback = callback

        def __enter__(self):
            for at in range(0, len(samples), 441):
                part = samples[at : at + 441]
                self.callback(part.tobytes(), len(part), None, "")
            return self

        def __exit__(self, *_):
            pass

        @property
        def active(self):  # which is asked when all is heard
            asked.append(active)
            return active

    about = {"default_samplerate": rate, "max_input_channels": samples.shape[1]}
    fake = SimpleNamespace(
        PortAudioError=PortAudioError,
        RawInputStream=Stream,
        check_input_settings=check,
        query_devices=lambda kind: about,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)


def noise(channels, count=20_000):
    draw = np.random.default_rng(0)
    return draw.integers(-20_000, 20_000, (count, channels), np.int16)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [22050.0, 44100.0, 48000.0, 96000.0])
def test_it_is_heard_as_if_it_were_resampled_as_a_whole(monkeypatch, rate, channels):
    soxr = pytest.importorskip("soxr")
    samples = noise(channels)
    device(monkeypatch, samples, rate, [(rate, channels)])
    found = np.concatenate([*sources.microphone()])
    mean = (samples.astype(np.float64) / 32768).mean(axis=1)
    expected = soxr.resample(mean, rate, 16000)
    assert found.dtype == np.int16
    np.testing.assert_allclose(found / 32768, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "offers"),
    [
        (16000.0, [(16000, 1)]),
        (48000.0, [(48000, 1), (48000, 2), (16000, 1)]),
    ],
)
def test_one_that_gives_16_khz_is_asked_for_it(monkeypatch, rate, offers):
    pytest.importorskip("soxr")
    samples = noise(1)
    device(monkeypatch, samples, rate, offers)
    np.testing.assert_array_equal(np.hstack([*sources.microphone()]), samples[:, 0])


def test_channels_of_16_khz_are_averaged(monkeypatch):
    pytest.importorskip("soxr")
    samples = noise(2)
    device(monkeypatch, samples, 16000.0, [(16000.0, 2)])
    found = np.hstack([*sources.microphone()])
    np.testing.assert_allclose(found, samples.mean(axis=1), rtol=0, atol=0.5)


@pytest.mark.parametrize(
    ("rate", "offers", "active", "said"),
    [
        (8000.0, [(8000.0, 1)], True, "gives 8000 Hz: expected 16000 or more"),
        (44100.0, [], True, "Invalid sample rate"),
        (44100.0, [(44100.0, 1)], False, "it gives no more audio"),
    ],
)
def test_one_that_cannot_be_heard_is_a_line(monkeypatch, rate, offers, active, said):
    pytest.importorskip("soxr")
    device(monkeypatch, noise(1, 500), rate, offers, active)
    with pytest.raises(InputError, match=f"^--microphone: {said}$"):
        [*sources.microphone()]
