"""Speech for the demo corpus, by espeak-ng, of the optional package espeakng-loader."""

import ctypes
import os
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import audresample
import numpy as np
from pebble import ProcessPool

from vladser import processes

SAMPLE_RATE = 16_000
REVISION = 1  # raise it with every change to this file that can be heard

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _CHARACTERS = 2, 0x8000, 1, 1
_PARAMETERS = (1, 3, 4, 2)  # rate, pitch, range, volume
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Line(NamedTuple):
    """A sentence and how to say it, in espeak-ng's units."""

    text: str
    voice: str  # and its variant, such as "en-us+f3"
    rate: int  # words a minute, 80 to 450
    pitch: int  # 0 to 100; 50 is the voice's own
    range: int  # of the pitch, 0 (monotone) to 100; 50 is the voice's own
    volume: int  # 0 to 200; 100 is the voice's own


def speak(lines: Sequence[Line]) -> list[np.ndarray]:
    """Returns each line as int16 [samples] at SAMPLE_RATE.

    The same lines give the same samples: espeak-ng carries its oscillators and its
    random numbers from one utterance to the next, so all are said in order in a fresh
    process.
    """
    # pebble, whose workers end with a parent that was killed.
    pool = ProcessPool(1, context=get_context("spawn"))
    try:
        with processes.deaf_to_interrupts():
            spoken = pool.schedule(_speak_here, (lines,))
        return spoken.result()
    finally:
        pool.stop()
        pool.join()


def _speak_here(lines: Sequence[Line]) -> list[np.ndarray]:
    library, rate = _start()
    heard: list[np.ndarray] = []

    @_CALLBACK
    def receive(samples, count, events):
        if samples and count:
            heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(receive)
    recordings = []
    for line in lines:
        heard.clear()
        library.espeak_SetVoiceByName(line.voice.encode())
        for parameter, value in zip(_PARAMETERS, line[2:], strict=True):
            library.espeak_SetParameter(parameter, value, 0)
        text = line.text.encode() + b"\0"
        size = ctypes.c_size_t(len(text))
        library.espeak_Synth(text, size, 0, _CHARACTERS, 0, _UTF8, None, None)
        samples = np.concatenate(heard).astype(np.float32)
        signal = audresample.resample(samples, rate, SAMPLE_RATE)[0]
        # Resampling overshoots: without the clip, a peak would wrap to the other sign.
        recordings.append(np.clip(np.rint(signal), -32768, 32767).astype(np.int16))
    return recordings


def _start() -> tuple[ctypes.CDLL, int]:
    """Starts espeak-ng; returns the library and its sample rate in hertz."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    # espeak-ng cuts long paths: stand inside its data and call them ".".
    os.chdir(espeakng_loader.get_data_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DONT_EXIT)
    if rate <= 0:
        raise RuntimeError(f"espeak-ng finds no voices in {Path.cwd()}")
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    return library, rate
