"""Every command of docs/streaming.md works."""

import json
import os
import re
import shlex
import subprocess
import sys

import documented
import launching
import numpy as np
import pytest
import soundfile
import streams

from vladser.models import bundle

PAGE = documented.page("docs/streaming.md")
COMMANDS = [*documented.commands(PAGE)]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A folder with what the page speaks of; ffmpeg and a microphone are played."""
    folder = tmp_path_factory.mktemp("reader")
    bundle.save(streams.random_bundle(), folder / "MODEL")
    samples = streams.speech(1.2)
    (folder / "SPEECH.pcm").write_bytes(samples.astype("<i2").tobytes())
    soundfile.write(folder / "TALK.mp3", samples, 16000, format="FLAC")
    ffmpeg = streams.sounddevice(folder / "path", streams.hears(1.2)) / "ffmpeg"
    ffmpeg.write_text(
        '#!/bin/sh\n[ "$*" = "-i TALK.mp3 -f s16le -ar 16000 -ac 1 -" ] && '
        "exec cat SPEECH.pcm\n"
    )
    ffmpeg.chmod(0o755)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_its_program_takes_every_command(reader, monkeypatch, command):
    monkeypatch.chdir(reader)
    monkeypatch.syspath_prepend(reader / "path")
    found = [documented.parse(*one) for one in documented.programs(command)]
    assert all(found) and len(found) == command.count("launch.")


# Of each kind there is one in the suite.
@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        c
        if "--every" in c or "import" in c
        else pytest.param(c, marks=pytest.mark.long)
        for c in COMMANDS
    ],
)
def test_every_command_works(reader, command):
    before = (reader / "SPEECH.pcm").read_bytes()
    run = subprocess.run(
        re.sub(r"\bpython\b(?= -)", shlex.quote(sys.executable), command),
        shell=True,
        cwd=reader,
        env=launching.environment()
        | {
            "PATH": f"{reader / 'path'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{launching.ROOT}:{reader / 'path'}",
        },
        capture_output=True,
        text=True,
    )
    stopped = "--microphone" in command
    assert (run.returncode, run.stderr) == (
        (130, "interrupted\n") if stopped else (0, "")
    )
    assert (reader / "SPEECH.pcm").read_bytes() == before
    if "launch.stream" in command:
        last = json.loads(run.stdout.splitlines()[-1])
        assert last["final"] and last["time"] == pytest.approx(1.2)


def test_the_object_on_the_page_is_of_the_form_that_is_written():
    (said,) = documented.blocks(PAGE, "json")
    from launch.streaming import display
    from launch.streaming.following import Result

    odds = np.array([0.87, 0.05, 0.03, 0.05])
    written = display.as_json(Result(0.0, 1.5, False, odds), streams.EMOTIONS)
    assert said.strip() == written
