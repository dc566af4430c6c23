"""The launcher, run on a small corpus of tones."""

import csv
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

import launch
from launch import main
from launch.command_line import backend, cli
from launch.reporting import writing
from vladser.corpora import readers
from vladser.features import extraction

ROOT = Path(launch.__file__).parents[1]
EMOTIONS = ("angry", "happy", "sad", "neutral")
SPLITS = ("train", "train", "validation", "test")
COLUMNS = ("file", "speaker", "emotion", "session", "split")
SMALL = ("--aggregator=mean", "--cells=4", "--epochs=2", "--seeds=2")


def write_corpus(folder, columns=COLUMNS):
    """Writes 32 takes of 0.3 to 0.6 s and returns their manifest: 4 speakers in 2
    sessions, a tone an emotion."""
    draw, rows = np.random.default_rng(0), []
    folder.mkdir()
    for s, e, take in product(range(4), range(4), range(2)):
        time = np.arange(draw.integers(4800, 9600)) / 16000
        tone = 0.3 * np.sin(2 * np.pi * (150 + 100 * e + 10 * s) * time)
        file = f"s{s}_{EMOTIONS[e]}_{take}.wav"
        noise = draw.normal(0, 0.02, len(time))
        soundfile.write(folder / file, tone + noise, 16000)
        row = file, f"s{s}", EMOTIONS[e], f"t{s // 2}", SPLITS[s]
        rows.append(row[: len(columns)])
    with (folder / "corpus.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return folder / "corpus.csv"


def flags_of(folder):
    """The flags that name the corpus in the folder, and the cache there."""
    file, cache = folder / "toy" / "corpus.csv", folder / "cache"
    return "--corpus=manifest", f"--data_dir={file}", f"--cache_dir={cache}"


def features_of(corpus):
    """The utterances that such flags name, and their features by id."""
    file, cache = (Path(flag.partition("=")[2]) for flag in corpus[1:])
    utterances = readers.read("manifest", file).utterances
    return utterances, extraction.extract(utterances, cache).features


def fill(folder):
    """Writes a corpus, and its features into the cache."""
    utterances = readers.read("manifest", write_corpus(folder / "toy")).utterances
    assert not extraction.extract(utterances, folder / "cache").bad


class First:
    """A finished run of SMALL with a final model: what it said and where it is."""

    def __init__(self, folder):
        self.run = folder / "run"
        self.out, self.err = ((folder / name).read_text() for name in ("out", "err"))


def run_first(corpus, folder):
    """Starts it as a user does, with a cache of its own."""
    own = f"--run_dir={folder / 'run'}", f"--cache_dir={folder / 'cache'}"
    done = program(*corpus, *SMALL, *own, "--final_model")
    assert done.returncode == 0, done.stderr
    (folder / "out").write_text(done.stdout)
    (folder / "err").write_text(done.stderr)


def damage(file):
    """Takes the audio of three utterances of a corpus away; returns their names."""
    bad = ("s0_angry_0.wav", "s1_sad_1.wav", "s3_neutral_0.wav")
    (file.parent / bad[0]).write_text("words")
    (file.parent / bad[1]).unlink()
    soundfile.write(file.parent / bad[2], np.zeros(160), 16000)
    return bad


def environment():
    """That of a user without an accelerator."""
    return {**os.environ, "JAX_PLATFORMS": "cpu"}


def start(*argv, **variables):
    """Starts it as a user does, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "launch.main", *argv],
        cwd=ROOT,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def program(*argv, **variables):
    """Runs it to its end, see `start`."""
    process = start(*argv, **variables)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def call(*argv, pictures=False):
    """Runs it in this process, which spares compilations; returns the status.

    Args:
      pictures: whether to draw, and to write the report, which takes half a second.
    """
    with ExitStack() as stack:
        # conftest.py has done it
        stack.enter_context(mock.patch.object(backend, "prepare"))
        if not pictures:
            stack.enter_context(mock.patch.object(writing, "write"))
            stack.enter_context(mock.patch("launch.output.pictures.write"))
        return cli.run(main.main, main.Settings, "", argv)


def same(one, other, names):
    """Two runs have the same results; what training took may differ."""
    for name in names:
        found, expected = ((folder / name).read_bytes() for folder in (one, other))
        if name == "summary.json":
            found, expected = json.loads(found), json.loads(expected)
            assert found.pop("training") and expected.pop("training")
        assert found == expected, name


def without(folder, *modules):
    """An environment in which the modules cannot be imported."""
    folder.mkdir()
    for module in modules:
        (folder / f"{module}.py").write_text("raise ImportError")
    return {"PYTHONPATH": str(folder)}
