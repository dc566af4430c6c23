"""What decodes counts, whatever a header says."""

import io
import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile

from vladser.features import audio
from vladser.features.audio import BadAudio, expected_samples, load
from vladser.types import Utterance

pytestmark = pytest.mark.fault("audio")

SECONDS = 4
TIME = np.arange(SECONDS * 16000) / 16000
# A chirp, no part of which repeats, with a pause, in which variable bit rates are low.
CHIRP = 0.3 * np.sin(2 * np.pi * (100 + 200 * TIME) * TIME) * (np.abs(TIME - 2) > 0.5)

# Containers whose header says how long the sound is, with samples of each kind.
SIZED = [
    *("WAV PCM_16", "WAV PCM_U8", "WAV FLOAT", "WAV ULAW", "WAV IMA_ADPCM"),
    *("WAV GSM610", "WAVEX PCM_24", "RF64 PCM_16", "RF64 DOUBLE", "W64 PCM_16"),
    *("W64 ALAW", "AIFF PCM_16", "AIFF PCM_S8", "AIFF FLOAT", "AU PCM_16", "AU ULAW"),
    *("AU G721_32", "CAF PCM_16", "CAF ALAC_16", "NIST PCM_16", "NIST ULAW"),
    *("SVX PCM_16", "VOC PCM_16", "AVR PCM_16", "MPC2K PCM_16", "HTK PCM_16"),
    *("MAT4 PCM_16", "MAT5 FLOAT", "FLAC PCM_16", "FLAC PCM_24"),
]
UNSIZED = ["PAF PCM_16", "PVF PCM_16", "IRCAM PCM_16"]


def encoded(kind, **options):
    container, code = kind.split()
    file = io.BytesIO()
    soundfile.write(file, CHIRP, 16000, code, format=container, **options)
    return file.getvalue()


@pytest.fixture
def written(tmp_path):
    def write(content, name="a.wav"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def assert_sounds_like(signal, expected=CHIRP, padding=0):
    """The signal is what was encoded, behind at most `padding` samples."""
    assert 0 <= len(signal) - len(expected) <= 2 * padding + 600  # a block of ADPCM
    lags = np.correlate(signal, expected[:8000], "valid")
    lag = int(lags[: padding + 1].argmax())
    part = signal[lag : lag + len(expected)]
    assert np.corrcoef(part, expected[: len(part)])[0, 1] > 0.98


@pytest.mark.parametrize("kind", SIZED + UNSIZED)
def test_of_each_container_the_whole_is_read(written, kind):
    assert_sounds_like(load(written(encoded(kind))))


@pytest.mark.parametrize("share", [0.34, 0.9])
@pytest.mark.parametrize("kind", SIZED)
def test_what_is_shorter_than_promised_is_cut_short(written, kind, share):
    content = encoded(kind)
    file = written(content[: round(share * len(content))])
    with pytest.raises(BadAudio, match="cut short"):
        load(file)
    assert audio.seconds(file) is None or "FLAC" in kind  # which decoding shows


@pytest.mark.parametrize("kind", UNSIZED)
def test_without_a_promise_what_is_there_counts(written, kind):
    content = encoded(kind)
    signal = load(written(content[: len(content) // 2]))
    assert 0.4 * len(CHIRP) < len(signal) < 0.5 * len(CHIRP)
    assert_sounds_like(signal, CHIRP[: len(signal)])


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("kind", "tag", "order"),
    [
        *((kind, b"data", "<I") for kind in ("WAV PCM_16", "WAVEX FLOAT", "RF64 ULAW")),
        ("AU PCM_16", b".snd\0\0\0\x18", ">I"),
        ("AIFF PCM_16", b"SSND", ">I"),
        ("W64 PCM_16", b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a", "<I"),
    ],
)
def test_the_size_of_a_stream_promises_nothing(written, kind, tag, order, size):
    content = bytearray(encoded(kind))
    place = content.index(tag) + len(tag)
    content[place : place + 4] = struct.pack(order, size)
    assert_sounds_like(load(written(content)))


def test_a_flac_stream_does_not_say_how_long_it_is(written):
    content = bytearray(encoded("FLAC PCM_16"))
    content[21] &= 0xF0  # the frames, 36 bits of the first block
    content[22:26] = bytes(4)
    file = written(content)
    assert len(load(file)) == len(CHIRP) == 16000 * audio.seconds(file)
    np.testing.assert_array_equal(load(file, 1, 2), load(file)[16000:32000])


def mp3(mode, count=True):
    """An MP3; without its first frame, which counts the others, as streams have it."""
    content = encoded("MP3 MPEG_LAYER_III", bitrate_mode=mode, compression_level=0.5)
    return content if count else content[content.find(b"\xff\xf3", 2) :]


TAG = b"ID3\x04\0\0\0\0\x01\x00" + bytes(128)


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("tag", [b"", TAG])
@pytest.mark.parametrize("count", [True, False])
def test_an_mp3_is_as_long_as_it_decodes(written, mode, tag, count):
    file = written(tag + mp3(mode, count))
    signal = load(file)
    assert_sounds_like(signal, padding=0 if count else 2304)
    assert len(signal) == round(16000 * audio.seconds(file))
    assert len(signal) == expected_samples(Utterance("a", file, "s", "sad"))


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_half_an_mp3_is_half_the_sound_or_refused(written, mode):
    counted, bare = mp3(mode), mp3(mode, count=False)
    with pytest.raises(BadAudio, match=r"cut short: [345]\S+ % is there"):
        load(written(counted[: len(counted) // 2]))
    signal = load(written(bare[: len(bare) // 2]))
    whole = load(written(bare))
    assert 0.2 * len(whole) < len(signal) < 0.8 * len(whole)
    until = len(signal) - 2304  # the last frame lacks the one after it
    np.testing.assert_allclose(signal[:until], whole[:until], atol=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        mp3("VARIABLE"),
        mp3("VARIABLE", count=False),
        mp3("CONSTANT", count=False),
        encoded("OGG VORBIS"),
        encoded("OGG OPUS"),
        encoded("FLAC PCM_16"),
        encoded("WAV IMA_ADPCM"),
        encoded("AU G721_32"),
    ],
    ids=range(8),
)
def test_a_segment_is_the_same_part_of_the_whole(written, content):
    """Codecs that look back must not start from nothing."""
    file = written(content)
    whole = load(file)
    for start in 0.05, 1.1, 2.6, 3.3:
        first = round(start * 16000)
        signal = load(file, start, start + 0.6)
        np.testing.assert_allclose(signal, whole[first : first + 9600], atol=1e-5)


def test_a_segment_of_what_is_there_is_read_though_the_rest_is_not(written):
    content = encoded("WAV PCM_16")
    file = written(content[: len(content) // 2])
    expected = np.round(CHIRP[8000:16000] * 32768)
    assert np.abs(load(file, 0.5, 1.0) * 32768 - expected).max() <= 1
    for segment in (1.5, 2.5), (1.5, None), (3, 4):
        with pytest.raises(BadAudio, match=r"cut short: 50.0 % is there"):
            load(file, *segment)


@pytest.mark.parametrize("title", [b"Info!", b"Xing", b"VBRI \xff\xfb"])
def test_a_title_is_no_count_of_frames(written, title):
    """In a second tag behind an empty one, as some players write it."""
    frame = b"TIT2" + (len(title) + 1).to_bytes(4, "big") + b"\0\0\0" + title
    second = b"ID3\x04\0\0\0\0\0" + bytes([len(frame)]) + frame
    signal = load(written(TAG + second + mp3("VARIABLE", count=False)))
    assert_sounds_like(signal, padding=2304)


def test_an_mp3_in_a_wav_is_as_long_as_it_decodes(tmp_path):
    if not (ffmpeg := shutil.which("ffmpeg")):
        pytest.skip("ffmpeg is not here")
    soundfile.write(tmp_path / "a.wav", CHIRP, 16000)
    given, made = tmp_path / "a.wav", tmp_path / "b.wav"
    subprocess.run(
        [ffmpeg, "-v", "error", "-i", given, "-c:a", "mp3", made], check=True
    )
    assert_sounds_like(load(made), padding=2304)
    assert len(load(made)) == round(16000 * audio.seconds(made))


@pytest.mark.parametrize("name", [b"LIST", b"_PMX", b"id3 "])
def test_an_empty_chunk_before_another_is_no_stream(written, name):
    content = encoded("WAV PCM_16")
    empty = content[:40] + bytes(4) + name + struct.pack("<I", 4000) + bytes(4000)
    with pytest.raises(BadAudio, match="has 0 samples"):
        load(written(empty))


def test_a_stream_may_begin_with_printable_bytes(written):
    samples = np.full(4, 0x7A79, np.int16).tobytes() + CHIRP.astype("<f4").tobytes()
    content = encoded("WAV PCM_16")[:40] + bytes(4) + samples
    assert len(load(written(content))) == len(samples) // 2
