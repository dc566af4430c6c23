"""A model to stream with, audio for it, and the program."""

import dataclasses
import os
import subprocess
import sys
from importlib import metadata
from unittest import mock

import jax
import launching
import numpy as np

from launch import stream
from launch.command_line import cli
from vladser import model
from vladser.condition import make
from vladser.features.extraction import DEFAULT
from vladser.models import bundle

EMOTIONS = ("angry", "happy", "sad", "neutral")
FEATURES = f"{DEFAULT.id}/opensmile-{metadata.version('opensmile')}"


def random_bundle(aggregator="mean", *, feature_set=FEATURES, dim=147, **parts):
    """A model of random parameters, to which each descriptor matters."""
    draw = np.random.default_rng(0)
    if parts.get("encoder") not in ("convolution", "none"):
        parts["cells"] = 8
    condition = make(aggregator=aggregator, **parts)
    scale = draw.uniform(0.01, 0.1, dim).astype(np.float32)
    mean = draw.normal(size=dim).astype(np.float32)
    one = bundle.Bundle(EMOTIONS, feature_set, condition, mean, scale, None, {})
    params = jax.tree.map(
        lambda x: np.asarray(x + draw.normal(0, 0.3, x.shape), np.float32),
        model.init(jax.random.key(0), one.spec),
    )
    return dataclasses.replace(one, params=params)


def voice(time, pitch):
    """Harmonics of a pitch in Hz, which moves."""
    phase = 2 * np.pi * np.cumsum(pitch + 40 * np.sin(3 * np.pi * time)) / 16000
    return sum(np.sin(k * phase) / k for k in range(1, 20))


def speech(seconds, seed=0):
    """int16 samples, voiced with a moving pitch and pauses."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(16000 * seconds)) / 16000
    loudness = np.clip(np.sin(4 * np.pi * time), 0, None)
    signal = 0.2 * loudness * voice(time, 140) + draw.normal(0, 1e-3, len(time))
    return (signal * 32768).astype(np.int16)


def pcm(seconds):
    """The same as bytes."""
    return speech(seconds).astype("<i2").tobytes()


def start(*argv, program="stream", stdout=subprocess.PIPE, path=""):
    """Starts a program in a process of its own; modules in `path` come first."""
    return subprocess.Popen(
        [sys.executable, "-m", f"launch.{program}", *map(str, argv)],
        cwd=launching.ROOT,
        env=launching.environment() | {"PYTHONPATH": str(path)},
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def call(*argv, audio=b""):
    """Runs it in this process, which spares its start; returns the status."""
    reading, writing = os.pipe()
    # All of it fits into the pipe.
    with open(writing, "wb") as pipe:  # noqa: PTH123
        pipe.write(audio)
    with open(reading) as stdin, mock.patch.object(sys, "stdin", stdin):  # noqa: PTH123
        return cli.run(stream.main, stream.Settings, "", argv)


def sounddevice(folder, body):
    """Writes a module of that name with such a RawInputStream into a new folder."""
    folder.mkdir()
    (folder / "sounddevice.py").write_text(
        "import os, signal, threading, time\n"
        "class PortAudioError(Exception): pass\n"
        "def query_devices(kind): return {'default_samplerate': 16000.0}\n"
        "def check_input_settings(samplerate, channels, dtype): pass\n"
        "class RawInputStream:\n"
        "    active = True\n"
        "    def __init__(self, samplerate, channels, dtype, callback):\n"
        "        assert (samplerate, channels, dtype) == (16000, 1, 'int16')\n"
        "        self.callback = callback\n"
        "    def __exit__(self, *_): pass\n"
        "    def __enter__(self):\n"
        f"        {body}\n"
        "        return self\n"
    )
    return folder


def hears(seconds, status="None"):
    """The body of a RawInputStream that hears this much, and is told to stop then."""
    return (
        f"heard = bytes.fromhex({pcm(seconds).hex()!r})\n"
        "        def hear():\n"
        "            for at in range(0, len(heard), 3200):\n"
        f"                self.callback(heard[at:at + 3200], 1600, None, {status})\n"
        "            time.sleep(3)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "        threading.Thread(target=hear, daemon=True).start()"
    )
