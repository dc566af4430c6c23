"""The audio guard: the signals that may be described, a reason for everything else.

openSMILE crashes on some inputs and gives wrong features for others without a word:
samples outside its range wrap, NaN becomes 0, of several channels the first is taken,
any sampling rate is accepted. So each file becomes a signal that it handles, or is bad.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vladser import files, libraries
from vladser.features import decoding, opening
from vladser.features.decoding import Sound
from vladser.features.opening import BadAudio
from vladser.types import Utterance

RATE = 16000  # Hz
ROUNDING = 0.01  # seconds by which a table of segments may exceed the file's end
VERSION = 2  # raise it when `load` gives other samples: cached features depend on them

_LOWEST = np.float32(-1)
_HIGHEST = np.float32(32767 / 32768)  # 1.0 wraps to -32768 as a 16-bit integer
_HIGHEST_RATE = 768_000  # Hz; beyond it the header is damaged
_LOUDEST = 10  # 20 dB above full scale: integers that were stored as floats exceed it
# As loud as rounding makes full scale, and as lossy codecs do, which overshoot.
_ROUNDED, _OVERSHOT = 1.001, 1.5
_SILENCE = 2 / 32768  # between the extremes: no more than the dither of 16 bits
# Below this share of the loudest channel's power, channels cancel in their mean; of one
# channel among C silent ones the mean has 1 / C^2.
_CANCELLED = 0.04

SILENT = "is silent: expected speech"
CANCELS = "its channels cancel one another: the loudest is taken"
EXCEEDS = "exceeds full scale: scaled to its peak"


def load(
    file: Path,
    start: float | None = None,
    end: float | None = None,
    max_seconds: float = 60.0,
    shortest: int = 960,
    note: Callable[[str], object] = lambda text: None,
) -> np.ndarray:
    """Reads a signal as `contracts.Features` are given it.

    The content decides what a file is, not its name: any format of libsndfile, or a
    container that ffmpeg decodes.
    Channels are averaged, unless they cancel. Samples above full scale, as recorders of
    32-bit floats write them, are scaled to the peak; overshoots of lossy codecs and of
    resampling are clipped.

    Args:
      file: the audio file.
      start, end: the segment in seconds; None for the beginning and end of the file.
      max_seconds: longer audio is refused, before it is decoded (but by ffmpeg).
      shortest: samples at 16 kHz; shorter audio is refused.
      note: called with what users should know of the signal, CANCELS or EXCEEDS.

    Returns:
      float32 [n] with n >= shortest, within [-1, 32767/32768].

    Raises:
      BadAudio: there is no such signal, or it is cut short, sampled below 16 kHz,
        silent or not finite.
      InputError: a library that decodes or resamples cannot be loaded, or ffmpeg is
        needed and not installed, or has no room on the disk.
    """
    with decoding.opened(file) as sound:
        first, last = _segment(sound, start, end, max_seconds)
        signal, cancelled = _mono(sound, first, last)
        _check_held(sound, last, first + len(signal))
    check_samples(round(len(signal) / sound.rate * RATE), shortest)
    peak = np.max(np.abs(signal), initial=0)
    if not peak <= _LOUDEST:  # NaN compares as False
        raise BadAudio(f"a sample is {peak:g}: expected finite samples in [-1, 1]")
    if silent(signal.min(), signal.max()):
        raise BadAudio(SILENT)
    if cancelled:
        note(CANCELS)
    if peak > (_ROUNDED if sound.floats else _OVERSHOT):
        note(EXCEEDS)
        signal /= peak
    audresample = libraries.load("audresample")
    signal = audresample.resample(signal, sound.rate, RATE)[0]
    return signal.clip(_LOWEST, _HIGHEST)


def expected_samples(
    utterance: Utterance, max_seconds: float = 60.0, shortest: int = 960
) -> int:
    """Returns the samples that `load` would return, to within one where it resamples;
    raises as it does, but for what only decoding shows."""
    with decoding.opened(utterance.file) as sound:
        first, last = _segment(sound, utterance.start, utterance.end, max_seconds)
        count = round((min(last, sound.held) - first) / sound.rate * RATE)
    check_samples(count, shortest)
    return count


def seconds(file: Path) -> float | None:
    """Returns how long a sound is that is whole; None for others."""
    try:
        with decoding.opened(file) as sound:
            _check_held(sound, sound.frames, sound.held)
            return sound.frames / sound.rate
    except BadAudio:
        return None


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file, as `files.digest`; raises BadAudio."""
    with opening.readable(file):
        return files.digest(file)


def silent(lowest: float, highest: float) -> bool:
    """Whether samples between these extremes, of [-1, 1], hold no sound."""
    return highest - lowest <= _SILENCE


def check_length(frames: int, rate: int, max_seconds: float) -> None:
    """Raises BadAudio for more than `max_seconds` of audio; the ends of a segment are
    rounded, which may make it a frame longer."""
    if frames - 1 > max_seconds * rate:
        lasts = f"{frames / rate:.3f} s"
        raise BadAudio(f"lasts {lasts}: expected at most {max_seconds:g} s")


def check_samples(count: int, shortest: int) -> None:
    """Raises BadAudio for less than `shortest` samples at 16 kHz."""
    if count < shortest:
        raise BadAudio(
            f"has {count} samples at {RATE} Hz: expected at least {shortest}"
        )


def _segment(
    sound: Sound, start: float | None, end: float | None, max_seconds: float
) -> tuple[int, int]:
    """Returns the first frame of a segment, and the one after its last."""
    rate = sound.rate
    if not RATE <= rate <= _HIGHEST_RATE:
        raise BadAudio(
            f"is sampled at {rate} Hz: expected {RATE} to {_HIGHEST_RATE} Hz"
        )
    seconds = sound.frames / rate
    start = 0.0 if start is None else start
    end = seconds if end is None else end
    if not 0 <= start <= end <= seconds + ROUNDING:
        raise BadAudio(
            f"has no segment from {start:g} to {end:g} s: it lasts {seconds:.3f} s"
        )
    first, last = round(start * rate), min(round(end * rate), sound.frames)
    check_length(last - first, rate, max_seconds)
    _check_held(sound, last, sound.held)
    return first, last


def _check_held(sound: Sound, last: int, held: int) -> None:
    """Raises BadAudio where of a segment up to `last` only `held` frames are there."""
    if held < last - ROUNDING * sound.rate:
        share = min(100 * held / sound.frames, 99.9)
        raise BadAudio(f"is cut short: {share:.1f} % is there")


def _mono(sound: Sound, first: int, last: int) -> tuple[np.ndarray, bool]:
    """Returns the mean of the channels, or the loudest of those that cancel, at the
    file's own rate; and whether they cancel."""
    means, channels = [np.zeros(0, np.float32)], sound.decoder.channels
    sums, squares = np.zeros((2, channels))
    with np.errstate(invalid="ignore", over="ignore"):  # of what is refused later
        for block in sound.blocks(first, last):
            means.append(sum(block.T) / channels)
            if channels > 1:
                sums += block.sum(axis=0, dtype=float)
                squares += np.square(block, dtype=float).sum(axis=0)
        signal = np.concatenate(means)
        power = squares / max(len(signal), 1) - (sums / max(len(signal), 1)) ** 2
        least = _CANCELLED / channels**2 * power.max()
        if not power.max() or signal.var(dtype=float) >= least:
            return signal, False
    # The first of those that are alike, whatever the rounding.
    loudest = np.flatnonzero(power >= 0.9 * power.max())[0]
    return np.concatenate([b[:, loudest] for b in sound.blocks(first, last)]), True
