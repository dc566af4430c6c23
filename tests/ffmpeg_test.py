"""Containers that ffmpeg decodes, against the samples that were put into them."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from launch.predicting import inputs
from vladser.errors import InputError
from vladser.features import audio, decoding, ffmpeg
from vladser.features.audio import BadAudio, expected_samples, load
from vladser.types import Utterance

pytestmark = pytest.mark.fault("audio")
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")

TIME = np.arange(2 * 16000) / 16000
CHIRP = 0.3 * np.sin(2 * np.pi * (100 + 200 * TIME) * TIME)
LOSSLESS = ["m4a alac", "mov pcm_s16le", "avi pcm_s16le", "mkv pcm_s16le", "mkv flac"]
LOSSY = ["mp4 aac", "3gp aac", "aac aac", "wma wmav2", "avi mp2", "mkv aac"]
FILM = "-f lavfi -i testsrc=duration=2:size=64x64:rate=10"
HEAD = b"\0\0\0\x1cftypM4A \0\0\2\0"  # of an m4a


def make(made, *arguments):
    """Runs ffmpeg to make a file."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run([*command, f"file:{made}"], check=True)
    return made


@pytest.fixture
def wav(tmp_path):
    soundfile.write(tmp_path / "given.wav", CHIRP, 16000)
    return tmp_path / "given.wav"


@needs_ffmpeg
@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_sound_is_that_of_the_wav_whatever_the_name(tmp_path, wav, kind):
    suffix, codec = kind.split()
    made = make(tmp_path / f"made.{suffix}", "-i", wav, "-c:a", codec)
    file = made.rename(tmp_path / "-i concat: a.wav")
    np.testing.assert_array_equal(load(file), load(wav))
    np.testing.assert_array_equal(load(file, 0.5, 1.1), load(wav, 0.5, 1.1))
    assert expected_samples(Utterance("a", file, "s", "sad")) == len(CHIRP)
    assert audio.seconds(file) == 2


@needs_ffmpeg
def test_rate_and_channels_are_the_files_own(tmp_path):
    noise = np.random.default_rng(0).integers(-9000, 9000, (44100, 2), np.int16)
    soundfile.write(tmp_path / "a.wav", noise, 44100)
    film = make(
        tmp_path / "a.mkv", *FILM.split(), "-i", tmp_path / "a.wav", "-c:a", "flac"
    )
    with decoding.opened(film) as sound:
        assert (sound.rate, sound.frames, sound.held) == (44100, 44100, 44100)
        blocks = [*sound.blocks(0, sound.frames)]
    np.testing.assert_array_equal(np.concatenate(blocks), noise / np.float32(32768))
    np.testing.assert_array_equal(load(film), load(tmp_path / "a.wav"))


@needs_ffmpeg
@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_sound_is_close_and_its_segments_are_parts_of_it(tmp_path, wav, kind):
    suffix, codec = kind.split()
    film = FILM.split() if suffix in ("mp4", "avi", "mkv") else []
    made = make(tmp_path / f"a.{suffix}", *film, "-i", wav, "-c:a", codec)
    signal = load(made)
    assert -1100 <= len(signal) - len(CHIRP) <= 4096  # what the codec adds or cuts
    lags = np.correlate(signal, CHIRP[4000:20000], "valid")
    lag = int(lags.argmax())
    part = signal[lag : lag + 16000]
    assert np.corrcoef(part, CHIRP[4000:20000])[0, 1] > 0.98
    np.testing.assert_array_equal(load(made, 0.5, 1.5), signal[8000:24000])


@needs_ffmpeg
@pytest.mark.parametrize("kind", [*LOSSLESS, "mp4 aac", "wma wmav2", "avi mp2"])
def test_what_is_cut_short_is_refused(tmp_path, wav, kind):
    suffix, codec = kind.split()
    options = ["-movflags", "+faststart"] if suffix in ("mp4", "mov") else []
    made = make(tmp_path / f"a.{suffix}", "-i", wav, "-c:a", codec, *options)
    content = made.read_bytes()
    made.write_bytes(content[: round(0.6 * len(content))])
    with pytest.raises(
        BadAudio, match=r"is cut short|cannot be decoded by ffmpeg"
    ) as no:
        load(made)
    assert "\n" not in str(no.value) and str(made) not in str(no.value)
    assert audio.seconds(made) is None


@needs_ffmpeg
@pytest.mark.slow
def test_the_guard_is_that_of_all_audio(tmp_path, wav):
    film = make(tmp_path / "a.mp4", *FILM.split())
    with pytest.raises(BadAudio, match="has no sound track"):
        load(film)
    made = make(tmp_path / "a.m4a", "-i", wav, "-c:a", "alac")
    with pytest.raises(BadAudio, match=r"lasts 2.000 s: expected at most 1 s"):
        load(made, max_seconds=1)
    with pytest.raises(BadAudio, match=r"has no segment from 1 to 3 s"):
        load(made, 1, 3)
    slow = make(tmp_path / "slow.m4a", "-i", wav, "-ar", "8000", "-c:a", "alac")
    with pytest.raises(BadAudio, match="is sampled at 8000 Hz"):
        load(slow)
    still = make(tmp_path / "still.mkv", "-i", wav, "-af", "volume=0", "-c:a", "flac")
    with pytest.raises(BadAudio, match="is silent"):
        load(still)


@needs_ffmpeg
def test_the_environment_has_no_say(tmp_path, wav, monkeypatch):
    made = make(tmp_path / "a.mkv", "-i", wav, "-c:a", "flac")
    here = {*tmp_path.iterdir()}
    monkeypatch.setenv("FFREPORT", f"file={tmp_path / 'report.log'}:level=32")
    monkeypatch.setenv("AV_LOG_FORCE_COLOR", "1")
    assert len(load(made)) == len(CHIRP)
    made.write_bytes(made.read_bytes()[:40])
    with pytest.raises(BadAudio) as error:
        load(made)
    assert str(error.value).isprintable() and {*tmp_path.iterdir()} == here


@needs_ffmpeg
@pytest.mark.slow
def test_a_file_is_decoded_anew_when_it_changes(tmp_path, wav):
    made = make(tmp_path / "a.mkv", "-i", wav, "-c:a", "flac")
    assert len(load(made)) == len(CHIRP)
    make(made, "-i", wav, "-t", "1", "-c:a", "flac")
    assert len(load(made)) == 16000


@pytest.mark.parametrize(
    "content",
    [
        b"ffconcat version 1.0\nfile given.wav\n",
        b"#EXTM3U\n#EXTINF:10\ngiven.wav\n#EXT-X-ENDLIST\n",
        b"<svg></svg>",
    ],
)
def test_lists_of_other_files_are_not_followed(tmp_path, wav, content):
    for name in "a.mp4", "a.m4a", "a.avi":
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadAudio, match="is not audio that libsndfile can read"):
            load(tmp_path / name)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts a program of this body in the place of ffmpeg; returns an m4a."""

    def write(body):
        program = tmp_path / "bin" / "ffmpeg"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))
        (tmp_path / "a.m4a").write_bytes(HEAD)
        return tmp_path / "a.m4a"

    return write


def test_what_ffmpeg_writes_is_the_sound(fake):
    body = """
import struct
assert sys.stdin.read() == ""
assert sys.argv[sys.argv.index("-protocol_whitelist") + 1] == "file"
samples = [n / 4000 - 0.5 for n in range(4000)]
header = b".snd" + struct.pack(">5I", 24, 0xFFFFFFFF, 6, 16000, 2)
both = [channel for sample in samples for channel in (sample, sample / 2)]
sys.stdout.buffer.write(header + struct.pack(f">{len(both)}f", *both))
"""
    expected = (np.arange(4000) / 4000 - 0.5) * 0.75
    np.testing.assert_allclose(load(fake(body)), expected, atol=1e-6)


def test_its_last_line_is_the_reason_when_it_fails(fake):
    body = "print('one\\n[mov @ 0x55] moov atom not found', file=sys.stderr); exit(1)"
    with pytest.raises(BadAudio) as error:
        load(fake(body))
    assert str(error.value) == "cannot be decoded by ffmpeg: moov atom not found"


def test_a_file_for_which_it_takes_for_ever_is_bad(fake, monkeypatch):
    monkeypatch.setattr(ffmpeg, "_SECONDS", 0.1)
    with pytest.raises(BadAudio, match=r"takes ffmpeg more than 0.1 s"):
        load(fake("import time; time.sleep(600)"))


@needs_ffmpeg
def test_a_file_that_would_fill_the_disk_is_bad(tmp_path, wav, monkeypatch):
    made = make(tmp_path / "a.mkv", "-i", wav, "-c:a", "flac")
    monkeypatch.setattr(ffmpeg, "_LARGEST", 32000)  # of 128,000 bytes
    with pytest.raises(BadAudio, match=r"is more than 0.0 GB as floats: cut it up"):
        load(made)


def test_a_full_disk_is_no_fault_of_the_file(fake):
    say = "av_interleaved_write_frame(): No space left on device"
    with pytest.raises(InputError, match=r"decoded into .*: No space left") as error:
        load(fake(f"print({say!r}, file=sys.stderr); exit(1)"))
    assert not isinstance(error.value, BadAudio)


def test_where_it_is_not_installed_the_file_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(HEAD)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as error:
        load(tmp_path / "a.m4a")
    assert not isinstance(error.value, BadAudio)  # nor is the next file to be tried
    assert str(error.value).startswith(f"{tmp_path / 'a.m4a'}: needs ffmpeg, which is")
    (tmp_path / "ffmpeg").write_text("")
    with pytest.raises(InputError, match="ffmpeg cannot be run: Permission denied"):
        load(tmp_path / "a.m4a")


def test_films_in_folders_are_classified_where_ffmpeg_is():
    assert (ffmpeg.SUFFIXES <= inputs.AUDIO) == bool(shutil.which("ffmpeg"))
