"""Run directories with damaged files: a report, or a resumption, or one line."""

import json
import shutil
from functools import reduce
from operator import getitem
from unittest import mock

import fake_run
import pytest
from fuzzing import cases, refused
from hypothesis import given
from hypothesis import strategies as st

from launch.command_line import cli, flags
from launch.experiment import resuming
from launch.reporting import writing
from vladser.plots import svg

pytestmark = pytest.mark.fault("results")

CONDITIONS = (
    *(("mean", "none", 0.0), ("mean", "unigram", 0.2), fake_run.PAPER[-1]),
    *((f"netvlad(clusters={clusters})", "none", 0.0) for clusters in (2, 4)),
)
JSON = ("summary.json", "dataset.json", "environment.json", "audit.json")
LINES = ("metrics.jsonl", "clusters.jsonl")
VALUES = [None, True, -1, 0, 0.5, 1e308, float("nan"), -float("inf"), 10**400, "", "x"]
JUNK = st.sampled_from([*VALUES, "\0\n<b>", "😀\ud800", [], {}, [[]], [0], [None, "x"]])
ODD = "[" * 100_000, "9" * 5000, "null", "\0", "--epochs=x", "{}", '{"a":NaN}'


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    fake_run.write(folder, CONDITIONS, speakers=("a", "b", "c"), seeds=(0, 1))
    for name in LINES:  # a few lines say as much as all
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:: max(1, len(lines) // 12)]))
    fake_run.seal(folder)
    return folder


def places(value, path=()):
    """The paths to everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def change(draw, value):
    """Removes or replaces one thing in a value."""
    *above, key = draw(st.sampled_from([*places(value)][1:]))
    inside = reduce(getitem, above, value)
    if draw(st.booleans()):
        inside[key] = draw(JUNK)
    else:
        del inside[key]


@st.composite
def damaged(draw, folder):
    """A file's name and new content."""
    name = draw(st.sampled_from([*JSON[:1] * 4, *JSON, *LINES, "flags.txt"]))
    content = (folder / name).read_bytes()
    if name != "flags.txt" and draw(st.sampled_from([True, True, False])):
        lines = [content] if name in JSON else content.splitlines()
        values = [json.loads(line) for line in lines]
        change(draw, values)
        return name, "\n".join(map(json.dumps, values)).encode()
    place = draw(st.integers(0, len(content) - 1))
    flipped = content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]
    odd = [text.encode() for text in ODD]
    return name, draw(st.sampled_from([content[:place], flipped, *odd]))


def spoilt(sound, tmp_path, data):
    """A copy of a run in which a file is damaged, and its digest that of the damage."""
    name, content = data.draw(damaged(sound))
    folder = tmp_path / "run"
    shutil.copytree(sound, folder, dirs_exist_ok=True)
    (folder / name).write_bytes(content)
    fake_run.seal(folder)
    return folder


@pytest.mark.slow
@cases(10)
@given(st.data())
def test_a_damaged_run_is_reported_or_refused(sound, tmp_path, data):
    folders = [spoilt(sound, tmp_path, data), sound]
    with mock.patch.object(svg, "inline", lambda *_: ""):  # drawing takes the most
        for read in folders[:1], folders:
            refused(writing.write, read, tmp_path / "to")


@pytest.mark.slow
@cases(40)
@given(st.data())
def test_a_damaged_unfinished_run_is_refused(tmp_path, data):
    settings = cli.parse(flags.Settings, ["--corpus=demo", f"--run_dir={tmp_path}"])
    for content in b"--corpus=demo\n", data.draw(st.binary()):
        (tmp_path / "flags.txt").write_bytes(content)
        assert refused(resuming.check, settings) is None
    versions = {"jax": "2", "jaxlib": "3"}
    environment = {"vladser": "1", "packages": versions, "devices": ["x"]}
    value = json.loads(json.dumps(environment)) | {"digest": "beef"}
    change(data.draw, value)
    text = json.dumps(value)
    text = data.draw(st.sampled_from([text, text[:-9], *ODD[:1], "[]", "null", "1"]))
    for name in "environment.json", "dataset.json":
        (tmp_path / name).write_text(text)
    refused(resuming.check_same, tmp_path, environment, {"digest": "beef"})
