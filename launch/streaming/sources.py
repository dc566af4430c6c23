"""Sources of live audio: int16 samples at 16 kHz, as they arrive.

A source ends when there is no more audio, or when the process is told to stop.
"""

import os
import queue
import select
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np

from launch.command_line import stopping
from launch.output import terminal
from vladser.errors import InputError
from vladser.features.audio import RATE

_POLL = 0.1  # seconds between checks of whether to stop
_BYTES = 1 << 14  # read at once: half a second
# The first bytes of audio files. Those of an MP3 without a tag may be raw samples.
_FILES = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b".snd", b"caff", b"ID3")
_HEADER = 4  # bytes


def stdin() -> Iterator[np.ndarray]:
    """Yields the raw 16-bit little-endian mono samples of standard input; raises
    InputError where it cannot be read, or is an audio file with a header."""
    data, checked = b"", False
    while not stopping.asked():
        if not select.select([sys.stdin], [], [], _POLL)[0]:
            continue
        try:
            read = os.read(sys.stdin.fileno(), _BYTES)
        except OSError as error:
            reason = error.strerror
            raise InputError(f"standard input cannot be read: {reason}") from None
        if not read:
            break
        data += read
        if not checked and data.startswith(_FILES):
            raise InputError(
                "standard input is an audio file: expected raw 16-bit PCM, see --help"
            )
        checked = checked or len(data) >= _HEADER
        if checked:
            whole = len(data) // 2 * 2
            yield np.frombuffer(data[:whole], "<i2").astype(np.int16)
            data = data[whole:]
    if data:
        terminal.say("note: standard input ended within a sample: is it 16-bit PCM?")


def microphone() -> Iterator[np.ndarray]:
    """Yields what the default microphone hears; raises InputError where there is none,
    or it gives no more audio."""
    port, soxr = packages()
    heard, lost = queue.SimpleQueue[tuple[bytes, bool]](), False

    def take(samples, frames, time, status):  # in a thread of PortAudio
        heard.put((bytes(samples), bool(status)))

    try:
        rate, channels = _opened_with(port)
        if rate < RATE:  # as for files, there would be nothing above half of it
            raise InputError(
                f"--microphone: gives {rate:g} Hz: expected {RATE} or more"
            )
        convert = _Converter(soxr, rate, channels)
        with port.RawInputStream(
            rate, channels=channels, dtype="int16", callback=take
        ) as stream:
            while not stopping.asked():
                try:
                    data, late = heard.get(timeout=_POLL)
                except queue.Empty:
                    if not stream.active:
                        raise InputError(
                            "--microphone: it gives no more audio"
                        ) from None
                    continue
                if late and not lost:
                    terminal.say("note: audio was lost: this machine is too busy")
                    lost = True
                yield convert(data)
        yield convert(b"", last=True)
    except port.PortAudioError as error:
        raise InputError(f"--microphone: {error}") from None


def _opened_with(port: ModuleType) -> tuple[float, int]:
    """Returns the rate and the number of channels to ask of the default microphone: 16
    kHz and one where it gives them, else its own."""
    device = port.query_devices(kind="input")
    own = device["default_samplerate"]
    for rate in RATE, own:
        try:
            port.check_input_settings(samplerate=rate, channels=1, dtype="int16")
        except port.PortAudioError:
            continue
        return rate, 1
    return own, device["max_input_channels"]


class _Converter:
    """Makes 16 kHz mono of what a microphone gives, as it arrives."""

    def __init__(self, soxr: ModuleType, rate: float, channels: int):
        self._channels = channels
        self._resampler = soxr.ResampleStream(rate, RATE, 1) if rate != RATE else None

    def __call__(self, data: bytes, last: bool = False) -> np.ndarray:
        """Returns the samples that are final; `last`: those still held back, too."""
        samples = np.frombuffer(data, np.int16)
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1)
        if self._resampler:
            samples = self._resampler.resample_chunk(samples.astype(np.float32), last)
        return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def packages() -> tuple[ModuleType, ModuleType]:
    """Imports sounddevice and soxr; raises InputError where one, or PortAudio, is
    missing."""
    try:
        import sounddevice
        import soxr
    except (ImportError, OSError) as error:
        raise InputError(
            f"--microphone: {error}: pip install 'vladser[microphone]', and on Linux "
            "apt install libportaudio2"
        ) from None
    return sounddevice, soxr
