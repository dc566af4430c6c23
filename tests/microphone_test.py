"""Microphones of any rate and number of channels, by a sounddevice that is made up."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from launch.command_line import stopping
from launch.streaming import sources
from vladser.errors import InputError

pytestmark = pytest.mark.fault("streams")
soxr = pytest.importorskip("soxr")


class PortAudioError(Exception):
    pass


def hear(monkeypatch, samples, rate, offers, gone=False):
    """What is heard of a microphone of samples [n, channels] that can be opened by one
    of the (rate, channels) it offers; then it is gone, or we are told to stop."""
    told = []

    def check(samplerate, channels, dtype):
        if (samplerate, channels) not in offers:
            raise PortAudioError("Invalid sample rate")

    class Stream:
        active = property(lambda self: told.append("stop") or not gone)

        def __init__(self, samplerate, channels, dtype, callback):
            check(samplerate, channels, dtype)
            self.callback = callback

        def __enter__(self):
            for at in range(0, len(samples), 441):
                self.callback(samples[at : at + 441].tobytes(), 441, None, "")
            return self

        def __exit__(self, *_):
            pass

    about = {"default_samplerate": rate, "max_input_channels": samples.shape[1]}
    fake = {"check_input_settings": check, "query_devices": lambda kind: about}
    fake |= {"RawInputStream": Stream, "PortAudioError": PortAudioError}
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(**fake))
    monkeypatch.setattr(stopping, "asked", lambda: bool(told))
    return np.hstack([*sources.microphone()])


@pytest.mark.parametrize(
    ("rate", "offers"),
    [
        (16000.0, [(16000, 1)]),
        (48000.0, [(48000, 1), (16000, 1)]),  # 16 kHz are asked for first
        (16000.0, [(16000, 2)]),
        *((rate, [(rate, n)]) for rate in (22050.0, 44100.0, 96000.0) for n in (1, 6)),
    ],
)
def test_it_is_heard_as_if_it_were_resampled_as_a_whole(monkeypatch, rate, offers):
    used, channels = offers[-1]
    draw = np.random.default_rng(0)
    samples = draw.integers(-20_000, 20_000, (20_000, channels), np.int16)
    found = hear(monkeypatch, samples, rate, offers)
    expected = (samples.astype(np.float64) / 32768).mean(axis=1)
    if used != 16000:
        expected = soxr.resample(expected, used, 16000)
    assert found.dtype == np.int16
    np.testing.assert_allclose(found / 32768, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "offers", "said"),
    [
        (8000.0, [(8000.0, 1)], "gives 8000 Hz: expected 16000 or more"),
        (44100.0, [], "Invalid sample rate"),
        (44100.0, [(44100.0, 1)], "it gives no more audio"),
    ],
)
def test_one_that_cannot_be_heard_or_is_gone_is_a_line(monkeypatch, rate, offers, said):
    with pytest.raises(InputError, match=f"^--microphone: {said}$"):
        hear(monkeypatch, np.zeros((500, 1), np.int16), rate, offers, gone=True)
