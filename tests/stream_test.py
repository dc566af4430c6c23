"""launch.stream: what it says of audio, and when there is none."""

import json
import os
import pty
import re
import signal
import sys
from functools import partial

import documented
import numpy as np
import pytest
import soundfile
import streams
from streams import EMOTIONS

from launch import stream
from launch.command_line import cli
from launch.streaming import lines
from vladser.contracts import Aggregator
from vladser.features import audio
from vladser.features.extraction import DEFAULT
from vladser.models import bundle, inference
from vladser.models.following import Result, follow

pytestmark = pytest.mark.fault("streams")


@pytest.fixture(scope="module")
def one():
    return streams.random_bundle("netvlad(clusters=2)")


@pytest.fixture(scope="module")
def smile():
    return DEFAULT.setup()


@pytest.fixture(scope="module")
def live(smile):
    return partial(DEFAULT.live, smile)


@pytest.fixture(scope="module")
def model(one, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream") / "model"
    bundle.save(one, folder)
    return folder


def cut(samples, draw):
    while len(samples):
        size = int(draw.choice([0, 1, 160, 5000, 40_000]))
        yield samples[:size]
        samples = samples[size:]


@pytest.mark.slow
def test_each_utterance_is_a_signal_of_its_own_however_it_came(
    one, live, smile, tmp_path
):
    """With a result every so often; the last is that of a file of the same samples."""
    samples, draw = streams.speech(2.55), np.random.default_rng(0)
    times = [(0, 0.4), (0, 0.8), (0, 1), (1, 1.4), (1, 1.8), (1, 2), (2, 2.4)]
    wholes = []
    for start in 0, 1, 2:
        part = samples[start * 16000 : (start + 1) * 16000]
        soundfile.write(tmp_path / "a.wav", part, 16000)
        wholes.append(smile(audio.load(tmp_path / "a.wav")))
    expected = inference.classify(one, wholes).probabilities
    for chunks in [samples], cut(samples, draw), cut(samples, draw):
        found = [*follow(one, live, chunks, every=0.4, utterance=1)]
        assert [result[:2] for result in found] == [*times, (2, 2.55)]
        ends = [result for result in found if result.final]
        assert [result.time for result in ends] == [1, 2, 2.55]
        odds = [result.probabilities for result in ends]
        np.testing.assert_allclose(odds, expected, atol=1e-5)
    # What is silent to its end has a final one that says so.
    hushed = follow(one, live, [np.zeros(16000, np.int16)], every=0.4, utterance=1)
    assert [(result.time, result.final, result.silent) for result in hushed] == [
        (1, True, True)
    ]
    # What is shorter than a frame has no result.
    short = follow(one, live, [samples[:16800]], every=0.4, utterance=1)
    assert [result.time for result in short] == [0.4, 0.8, 1]


def test_lines_of_json_say_what_is_heard(model, capsys):
    assert streams.call(f"--model={model}", audio=streams.pcm(1.3)) == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    said = [(line["time"], line["final"]) for line in lines]
    assert err == "" and said == [(0.5, False), (1.0, False), (1.3, True)]
    odds = lines[-1]["probabilities"]
    assert tuple(odds) == EMOTIONS
    assert lines[-1]["predicted"] == max(odds, key=odds.get)


def test_a_line_for_a_person_and_the_object_on_the_page():
    result = Result(4.0, 12.5, False, np.array([0.05, 0.755, 0.125, 0.07]))
    line = lines.as_line(result, EMOTIONS)
    assert line == (
        "  12.5 s  happy    ████████    angry  5%  happy 76%  sad 12%  neutral  7%"
    )
    (said,) = documented.blocks(documented.page("docs/streaming.md"), "json")
    found = json.loads(said)
    odds = found["probabilities"]
    times = (found[name] for name in ("start", "time", "final"))
    result = Result(*times, np.array([*odds.values()]))
    assert said.strip() == lines.as_json(result, tuple(odds))


def _read_terminal(descriptor):
    """All that was written to it; Linux says EIO at its end."""
    found = b""
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:
            part = b""
        if not part:
            return found.decode()
        found += part


@pytest.mark.slow
def test_on_a_terminal_a_line_is_written_anew_until_it_is_final(model):
    ours, theirs = pty.openpty()
    process = streams.start(f"--model={model}", "--utterance=1", stdout=theirs)
    os.close(theirs)
    process.stdin.write(streams.pcm(1.7))
    process.stdin.close()
    shown = _read_terminal(ours)
    assert process.wait() == 0, process.stderr.read()
    lines = [line.split("\r\x1b[K")[1:] for line in shown.split("\r\n")]
    assert [[part.split(" s ")[0].strip() for part in line] for line in lines] == [
        ["0.5", "1.0"],
        ["1.5", "1.7"],
        [],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_gives_the_last_result_first(model, number):
    process = streams.start(f"--model={model}")
    process.stdin.write(streams.pcm(1.2))
    process.stdin.flush()
    for time in 0.5, 1.0:
        assert json.loads(process.stdout.readline())["time"] == time
    process.send_signal(number)
    out, err = process.communicate()
    last = json.loads(out)
    assert last["final"] and 1 <= last["time"] <= 1.2
    assert (process.returncode, err) == (128 + number, b"interrupted\n")


MP3 = np.concatenate([[-1025], streams.speech(0.3)])  # begins like a frame of one


@pytest.mark.slow
def test_a_reader_who_leaves_ends_it(model):
    process = streams.start(f"--model={model}", "--every=0.1")
    process.stdin.write(streams.pcm(0.5))
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write(streams.pcm(0.5))
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (b"", 1, "error: there was no speech to classify"),
        (bytes(1918), 1, "error: there was no speech to classify"),
        (
            streams.pcm(0.1)[:1921],
            0,
            "note: standard input ended within a sample: is it 16-bit",
        ),
        (b"RIFF" + bytes(4000), 1, "error: standard input is an audio file: expected"),
        (MP3.astype("<i2").tobytes(), 0, ""),
    ],
)
def test_what_is_no_audio_is_said_in_a_line(model, capsys, given, status, said):
    assert streams.call(f"--model={model}", audio=given) == status
    err = capsys.readouterr().err
    assert err.startswith(said) and err.count("\n") == bool(said)


@pytest.mark.fault("audio")
def test_silence_has_no_result_and_is_said(model, capsys):
    silence = bytes(2 * 8000)
    assert streams.call(f"--model={model}", audio=silence) == 1
    out, err = capsys.readouterr()
    note, error = err.splitlines()
    assert (
        not out and note == "note: the audio from 0 to 0.5 s is silent: expected speech"
    )
    assert error.startswith("error: there was no speech to classify")
    given = f"--model={model}", "--utterance=0.5"
    assert streams.call(*given, audio=silence + streams.pcm(0.5) + silence) == 0
    out, err = capsys.readouterr()
    results = [json.loads(line) for line in out.splitlines()]
    assert {result["start"] for result in results} == {0.5}
    assert err.splitlines()[0] == note


@pytest.mark.slow
def test_a_microphone_is_heard_until_the_program_is_told_to_stop(model, tmp_path):
    path = streams.sounddevice(tmp_path / "fake", streams.hears(4.6, status="'lost'"))
    process = streams.start(f"--model={model}", "--microphone", path=path)
    out, err = process.communicate()
    note, *rest = err.splitlines()
    assert note.startswith(b"note: audio was lost") and rest == [b"interrupted"]
    assert process.returncode == 130
    ends = [line for line in map(json.loads, out.splitlines()) if line["final"]]
    assert [line["time"] for line in ends] == [4, 4.6]


def _wrong(capsys, *argv, status=2):
    """The line that a wrong command line is answered by."""
    assert cli.run(stream.main, stream.Settings, "", argv) == status
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_wrong_flags_and_no_standard_input_are_said(
    model, capsys, monkeypatch, tmp_path
):
    argv = [f"--model={model}"]
    for flag in "--every=0", "--utterance=61", "--utterance=x":
        assert "expected a number" in _wrong(capsys, *argv, flag)
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is no audio" in _wrong(capsys, *argv)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as terminal, (tmp_path / "file").open("w") as written:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert "standard input is no audio" in _wrong(capsys, *argv)
        monkeypatch.setattr(sys, "stdin", written)
        said = "error: standard input cannot be read: Bad file descriptor\n"
        assert _wrong(capsys, *argv, status=1) == said
    os.close(ours)


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ImportError", 2, "pip install 'vladser[microphone]'"),
        ("raise OSError('no PortAudio')", 2, "apt install libportaudio2"),
        ("", 1, "error: --microphone: no device"),
    ],
)
def test_a_microphone_that_cannot_be_heard_is_said(
    model, capsys, monkeypatch, tmp_path, code, status, said
):
    path = streams.sounddevice(tmp_path / "fake", "raise PortAudioError('no device')")
    (path / "sounddevice.py").write_text(code or (path / "sounddevice.py").read_text())
    monkeypatch.syspath_prepend(path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    assert said in _wrong(capsys, f"--model={model}", "--microphone", status=status)


def first():
    """A pooling of one's own."""
    return Aggregator(lambda key, dim: (), lambda params, frames, mask: frames[0])


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"feature_set": "vladser147-00000000/opensmile-2.6.0"}, "vladser147 makes"),
        (
            {"feature_set": "npy-147", "features": "npy"},
            "cannot be extracted live",
        ),
        ({"aggregator": f"{__name__}.first"}, r"first needs all frames at once"),
        ({"pieces": "first(frames=9)"}, r"first\(frames=9\) needs whole utterances"),
        ({"encoder": "bilstm"}, r"bilstm\(cells=8\) or mean needs all frames at once"),
    ],
)
def test_a_model_that_cannot_stream_is_refused(tmp_path, capsys, parts, said):
    bundle.save(streams.random_bundle(**parts), tmp_path / "model")
    trusted = [f"--aggregator={part}"] if (part := parts.get("aggregator")) else []
    assert streams.call(f"--model={tmp_path / 'model'}", *trusted) == 2
    assert re.search(f"{said}.*\n$", capsys.readouterr().err)
