"""Frames that come piece by piece, against those of the whole signal."""

import functools

import numpy as np
import pytest
import streams

from vladser.features import extraction
from vladser.features.smile import Live

HOP = 160


@pytest.fixture(scope="module")
def extract():
    return extraction.DEFAULT.setup()


@functools.cache
def signals():
    """Of 2 s: voiced with a moving pitch, noise, two voices at once, tones that
    come and go, clipped speech, silence, random bits."""
    draw = np.random.default_rng(0)
    time = np.arange(30007) / 16000
    noise = draw.normal(size=len(time))
    voices = 0.1 * (streams.voice(time, 130) + streams.voice(time, 197))
    found = {
        "voice": streams.speech(len(time) / 16000) / 32768,
        "noise": 0.1 * noise,
        "voices": voices + 0.03 * noise,
        "tones": 0.3 * np.sin(2 * np.pi * 200 * time) * (np.sin(20 * time) > 0.9),
        "clipped": 20 * np.sin(4 * np.pi * time) * streams.voice(time, 110),
        "silence": 0 * time,
        "bits": draw.uniform(-1, 1, len(time)),
    }
    return {name: _int16(signal) for name, signal in found.items()}


def _int16(signal):
    return (np.clip(signal, -1, 32767 / 32768) * 32768).astype(np.int16)


def _whole(extract, samples):
    return extract(samples.astype(np.float32) / np.float32(32768))


def _streamed(extract, samples, longest, unit=1):
    """The frames, and how many there were after how many samples."""
    draw, counts, heard = np.random.default_rng(1), {}, 0
    with Live(extract) as going:
        rows = []
        while heard < len(samples):
            piece = samples[heard:][: unit * int(draw.integers(0, longest // unit + 1))]
            rows.append(going.push(piece))
            heard += len(piece)
            counts[heard] = sum(map(len, rows))
        rows.append(going.end())
    return np.concatenate(rows), counts


@pytest.mark.parametrize("name", signals())
def test_frames_are_those_of_the_whole_signal_and_come_in_time(extract, name):
    """To the bit; after its window, and at most half a second later."""
    samples = signals()[name]
    found, counts = _streamed(extract, samples, 320)
    np.testing.assert_array_equal(found, _whole(extract, samples))
    for heard, count in counts.items():
        assert count <= max((heard - 960) // HOP + 1, 0)
        assert count >= (heard - 960 - 8000) // HOP


def test_pieces_may_be_longer_than_what_opensmile_takes_at_once(extract):
    samples = np.random.default_rng(6).integers(-3000, 3000, 90_001).astype(np.int16)
    found, _ = _streamed(extract, samples, len(samples), len(samples))
    np.testing.assert_array_equal(found, _whole(extract, samples))


def test_how_the_signal_was_cut_does_not_change_when_a_frame_comes(extract):
    samples = signals()["voices"]
    _, fine = _streamed(extract, samples, 80, unit=80)
    for longest in 3000, 20_000:
        _, counts = _streamed(extract, samples, longest, unit=80)
        assert counts == {heard: fine[heard] for heard in counts}


@pytest.mark.parametrize("n", [0, 1, 959, 960, 961, 1120])
def test_few_samples_give_as_few_frames(extract, n):
    samples = signals()["bits"][:n]
    found, _ = _streamed(extract, samples, 400)
    if n < 960:
        assert found.shape == (0, len(extract.names))
    else:
        np.testing.assert_array_equal(found, _whole(extract, samples))


def test_utterances_do_not_know_of_each_other(extract):
    one, other = signals()["voice"], signals()["noise"]
    with Live(extract) as first, Live(extract) as second:
        first.push(one[:9000])
        found = [second.push(other)]
        first.push(one[9000:])
        found.append(second.end())
    np.testing.assert_array_equal(np.concatenate(found), _whole(extract, other))


def test_one_that_is_left_half_way_leaves_no_thread_and_takes_no_more(extract):
    with pytest.raises(KeyError), Live(extract) as going:
        going.push(signals()["voice"])
        raise KeyError
    assert not going._thread.is_alive()
    with Live(extract) as over:
        over.end()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="is over"):
                over.push(np.zeros(1600, np.int16))
