"""Damaged sound files of many containers at the door, next to libsndfile itself.

VLADSER_DEPTH=100 makes 100,000 files, as .ci/long does.
"""

import io
import os
import time
import wave
from collections import Counter
from concurrent.futures import as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fuzzing import DEPTH
from pebble import ProcessExpired, ProcessPool

from vladser.features import audio
from vladser.features.audio import BadAudio
from vladser.types import Utterance

pytestmark = pytest.mark.fault("audio")

KINDS = [
    *("WAV PCM_16", "WAV FLOAT", "WAV IMA_ADPCM", "WAVEX PCM_24", "RF64 PCM_16"),
    *("W64 PCM_16", "AIFF PCM_16", "AU PCM_16", "CAF PCM_16", "NIST PCM_16"),
    *("VOC PCM_16", "FLAC PCM_16", "OGG VORBIS", "OGG OPUS", "MP3 MPEG_LAYER_III"),
]
ODD = (0, 1, 2, 255, 8000, 2**15, 2**16 - 1, 0x7FFFF000, 2**31 - 1, 2**31, 2**32 - 1)
BATCH, MINUTES = 250, 15
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 6000)


def whole(kind):
    container, code = kind.split()
    file = io.BytesIO()
    soundfile.write(file, NOISE, 16000, code, format=container)
    return file.getvalue()


def damaged(content, draw):
    """Damages a file in one to three ways, its header more often than the rest."""
    content = bytearray(content)
    for _ in range(draw.integers(1, 4)):
        size = max(len(content), 1)
        place = int(draw.integers(min(size, 160) if draw.random() < 0.7 else size))
        length = int(draw.geometric(0.02))
        match draw.integers(7):
            case 0:
                content[place : place + 1] = [int(draw.integers(256))]
            case 1:
                del content[int(draw.integers(size)) :]
            case 2:
                del content[place : place + length]
            case 3:
                content[place:place] = content[place : place + length]
            case 4:
                content[place : place + length] = bytes(length)
            case 5:
                content[place:place] = draw.bytes(length)
            case _:
                order = "little" if draw.random() < 0.5 else "big"
                odd = ODD[draw.integers(len(ODD))]
                content[place : place + 4] = odd.to_bytes(4, order)
    return bytes(content)


def answer(file):
    """Returns the signal, or why there is none."""
    try:
        return audio.load(file)
    except BadAudio as reason:
        assert len(str(reason).splitlines()) == 1
        return str(reason)


def decoded(file):
    """Returns the frames that libsndfile decodes, read on until there are none; None
    for an error on the way, which `load` may pass by, or come to later."""
    count = 0
    with soundfile.SoundFile(file) as sound:
        if sound.seekable():
            sound.seek(0)  # past what stands before the first frame of a FLAC
        sound.seekable = lambda: False  # or soundfile seeks to where it is
        try:
            while len(block := sound.read(1000, dtype="float32")):
                count += len(block)
        except soundfile.LibsndfileError:
            return None
    return count


def by_wave(content):
    """Returns the frames of a wav by Python's own reader, None where it refuses."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            width = sound.getsampwidth() * sound.getnchannels()
            return len(sound.readframes(sound.getnframes())) // width
    except (wave.Error, EOFError, RuntimeError):
        return None


def check(content, kind, file):
    """Checks what is said of one file; returns how it ended."""
    file.write_bytes(content)
    first, second = answer(file), answer(file)
    if isinstance(first, str):
        assert first == second
        return "refused"
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all() and np.ptp(first) > 0
    with soundfile.SoundFile(file) as sound:
        rate, streams = sound.samplerate, sound.format == "MP3" or not sound.frames
    counted = not streams
    if counted and (count := decoded(file)) is not None:
        assert abs(len(first) - count / rate * 16000) <= 1, (len(first), count)
    expected = audio.expected_samples(Utterance("a", file, "s", "sad"))
    assert abs(expected - len(first)) <= 1 + 0.01 * 16000, (kind, expected, len(first))
    if kind == "WAV PCM_16" and rate == 16000 and (count := by_wave(content)):
        assert len(first) >= count  # which stops at the first chunk that is odd
        return "as by wave"
    return "read"


def run(kinds, folder, batch, one=None):
    """Checks the files of a batch, or one of them; returns how they ended, and the
    first failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libmpg123's
    ends, file = Counter(), Path(folder) / f"{os.getpid()}"
    for place in range(BATCH) if one is None else [one]:
        draw = np.random.default_rng([batch, place])
        kind = KINDS[draw.integers(len(KINDS))]
        content = damaged(kinds[kind], draw)
        try:
            ends[check(content, kind, file)] += 1
        except Exception as error:
            return ends, f"batch {batch}, file {place}, {kind}: {error!r}"
    return ends, None


@pytest.mark.slow
def test_what_is_said_of_damaged_files_is_what_decodes(tmp_path, capsys):
    kinds = {kind: whole(kind) for kind in KINDS}
    ends, crashed, begin = Counter(), [], time.monotonic()
    with ProcessPool(2, context=get_context("spawn")) as pool:
        tasks = {
            pool.schedule(run, (kinds, str(tmp_path), batch), timeout=300): batch
            for batch in range(4 * DEPTH)
        }
        for task in as_completed(tasks):
            try:
                counts, failure = task.result()
                assert not failure, failure
                ends += counts
            except ProcessExpired:  # which costs a run the one file
                crashed.append(tasks[task])
            if time.monotonic() - begin > 60 * MINUTES:
                pool.stop()
                break
    total = sum(ends.values())
    with capsys.disabled():
        print(f"\n{total:,} damaged files: {dict(ends)}, crashed batches {crashed}")
    assert ends["refused"] and ends["read"] and ends["as by wave"]
    assert total >= 0.9 * BATCH * len(tasks) or time.monotonic() - begin > 60 * MINUTES
