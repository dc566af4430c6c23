"""The audio guard: the signals that may be described, a reason for everything else.

openSMILE crashes on some inputs and gives wrong features for others without a word:
samples outside its range wrap, NaN becomes 0, of several channels the first is taken,
any sampling rate is accepted. So each file becomes a signal that it handles, or is bad.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from vladser import files
from vladser.errors import InputError
from vladser.types import Utterance

RATE = 16000  # Hz
VERSION = 1  # raise it when `load` gives other samples: cached features depend on them

_LOWEST = np.float32(-1)
_HIGHEST = np.float32(32767 / 32768)  # 1.0 wraps to -32768 as a 16-bit integer
_HIGHEST_RATE = 768_000  # Hz; beyond it the header is damaged
_LOUDEST = 10  # 20 dB above full scale: integers that were stored as floats exceed it
_ROUNDING = 0.01  # seconds by which a table of segments may exceed the file's end
_BLOCK = 1 << 14  # frames decoded at once: bounds the memory of many channels


class BadAudio(InputError):
    """An utterance without usable audio or features; the message is the reason alone,
    to which the file's name is added."""


def load(
    file: Path,
    start: float | None = None,
    end: float | None = None,
    max_seconds: float = 60.0,
    shortest: int = 960,
) -> np.ndarray:
    """Reads a signal as `types.Features` are given it.

    The content decides what a file is, not its name: any format of libsndfile.
    Channels are averaged, then resampled, then clipped (resampling overshoots).

    Args:
      file: the audio file.
      start, end: the segment in seconds; None for the beginning and end of the file.
      max_seconds: longer audio is refused, before it is decoded.
      shortest: samples at 16 kHz; shorter audio is refused.

    Returns:
      float32 [n] with n >= shortest, within [-1, 32767/32768].

    Raises:
      BadAudio: there is no such signal, or it is sampled below 16 kHz or not finite.
    """
    import audresample  # late because cached features are read without it

    with _decoder(file) as sound:
        signal, rate = _read_mono(sound, start, end, max_seconds), sound.samplerate
    peak = np.max(np.abs(signal), initial=0)
    if not peak <= _LOUDEST:  # NaN compares as False
        raise BadAudio(f"a sample is {peak:g}: expected finite samples in [-1, 1]")
    signal = audresample.resample(signal, rate, RATE)[0].clip(_LOWEST, _HIGHEST)
    if len(signal) < shortest:
        raise BadAudio(
            f"has {len(signal)} samples at {RATE} Hz: expected at least {shortest}"
        )
    return signal


def header(file: Path) -> tuple[int, float] | None:
    """Returns the sampling rate and seconds that a header says; None without one."""
    try:
        with _decoder(file) as sound:
            return sound.samplerate, sound.frames / sound.samplerate
    except BadAudio:
        return None


def expected_samples(utterance: Utterance, max_seconds: float = 60.0) -> int:
    """Estimates the samples at 16 kHz from the header; 0 for what `load` refuses."""
    rate, seconds = header(utterance.file) or (0, 0.0)
    end = seconds if utterance.end is None else min(utterance.end, seconds)
    seconds = end - (utterance.start or 0)
    return round(seconds * RATE) if rate >= RATE and 0 < seconds <= max_seconds else 0


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file, as `files.digest`; raises BadAudio."""
    with opened(file):
        return files.digest(file)


def check_length(seconds: float, max_seconds: float) -> None:
    """Raises BadAudio for more than `max_seconds` of audio."""
    if seconds > max_seconds:
        raise BadAudio(f"lasts {seconds:.3f} s: expected at most {max_seconds:g} s")


@contextmanager
def opened(file: Path) -> Iterator[BufferedReader]:
    """Opens a file to read from; raises BadAudio where that fails."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for ever
            raise BadAudio("is a folder or a device: expected a file")
        with file.open("rb") as handle:
            yield handle
    except OSError as error:
        raise BadAudio(f"cannot be read: {error.strerror}") from None


@contextmanager
def _decoder(file: Path) -> Iterator[Any]:
    """Opens a file as a soundfile.SoundFile."""
    import soundfile  # late because cached features are read without it

    with opened(file) as handle:
        try:
            # By descriptor: libsndfile trusts the extension of a path (.raw, .au).
            with soundfile.SoundFile(handle.fileno(), closefd=False) as sound:
                yield sound
        except soundfile.LibsndfileError as error:
            reason = error.error_string.strip(" .\n")
            raise BadAudio(f"is not audio that libsndfile can read: {reason}") from None


def _read_mono(
    sound: Any, start: float | None, end: float | None, max_seconds: float
) -> np.ndarray:
    """Reads the mean of the channels of a segment, at the file's own rate."""
    rate = sound.samplerate
    if not RATE <= rate <= _HIGHEST_RATE:
        raise BadAudio(
            f"is sampled at {rate} Hz: expected {RATE} to {_HIGHEST_RATE} Hz"
        )
    seconds = sound.frames / rate
    start = 0.0 if start is None else start
    end = seconds if end is None else end
    if not 0 <= start <= end <= seconds + _ROUNDING:
        raise BadAudio(
            f"has no segment from {start:g} to {end:g} s: it lasts {seconds:.3f} s"
        )
    first, last = round(start * rate), min(round(end * rate), sound.frames)
    check_length((last - first) / rate, max_seconds)
    if first:
        sound.seek(first)
    blocks = sound.blocks(_BLOCK, frames=last - first, dtype="float32", always_2d=True)
    signal = np.concatenate(
        [np.zeros(0, np.float32), *(sum(block.T) / sound.channels for block in blocks)]
    )
    if len(signal) < last - first:
        raise BadAudio(
            f"is cut short: {len(signal)} of {last - first} frames are there"
        )
    return signal
