"""Run directories with damaged files: a report, or a resumption, or one line."""

import json
import shutil
from unittest import mock

import fake_run
import pytest
from fuzzing import cases, refused
from hypothesis import given
from hypothesis import strategies as st

from launch.command_line import cli, flags
from launch.experiment import resuming
from launch.reporting import runs, writing
from vladser.plots import svg

VLAD = [("netvlad(clusters=2)", "none", 0.0), ("netvlad(clusters=4)", "none", 0.0)]
CONDITIONS = (
    ("mean", "none", 0.0),
    *VLAD,
    ("mean", "unigram", 0.2),
    fake_run.PAPER[-1],
)
JSON = ("summary.json", "dataset.json", "environment.json", "audit.json")
LINES = ("metrics.jsonl", "clusters.jsonl")
VALUES = [None, True, -1, 0, 0.5, 1e308, float("nan"), -float("inf"), 10**400, "", "x"]
JUNK = st.sampled_from([*VALUES, "\0\n<b>", "😀\ud800", [], {}, [[]], [0], [None, "x"]])


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
    """The value with one thing in it missing, repeated or replaced."""
    *above, key = draw(st.sampled_from([*places(value)][1:]))
    inside = value
    for step in above:
        inside = inside[step]
    how = draw(st.sampled_from(["missing", "junk", "junk", "twice", "other"]))
    if how == "missing":
        del inside[key]
    elif how == "twice" and isinstance(inside, list):
        inside.append(inside[key])
    elif how == "other":  # of the same kind
        swap = {str: "x", int: 10**9, float: -0.25, list: [], dict: {}}
        inside[key] = swap.get(type(inside[key]))
    else:
        inside[key] = draw(JUNK)


@st.composite
def damaged(draw, folder):
    """A file's name and new content."""
    name = draw(st.sampled_from([*JSON[:1] * 4, *JSON, *LINES, "flags.txt"]))
    text = (folder / name).read_text(encoding="utf-8")
    how = draw(st.sampled_from(["value"] * 4 + ["cut", "bytes", "line"]))
    if how == "value" and name in JSON:
        value = json.loads(text)
        for _ in range(draw(st.integers(1, 2))):
            change(draw, value)
        return name, json.dumps(value).encode()
    if how == "value" and name in LINES:
        values = [json.loads(line) for line in text.splitlines()]
        change(draw, values)
        return name, "\n".join(map(json.dumps, values)).encode()
    content = bytearray(text.encode())
    place = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        del content[place:]
    elif how == "bytes":
        content[place] ^= 1 << draw(st.integers(0, 7))
    else:
        odd = ["[" * 100_000, "9" * 5000, "null", "\0", "--epochs=x", "{}", '{"a":NaN}']
        content = draw(st.sampled_from(odd)).encode()
    return name, bytes(content)


def report(folder, other):
    """The pages of the run, and those of its comparison with another."""
    read, sound = runs.read(folder), runs.read(other)
    return writing.render([read]), writing.render([read, sound])


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
    with mock.patch.object(svg, "inline", lambda *_: ""):  # drawing takes the most
        refused(report, spoilt(sound, tmp_path, data), sound)


@pytest.mark.slow
@cases(1)
@given(st.data())
def test_what_is_not_refused_can_be_drawn(sound, tmp_path, data):
    refused(report, spoilt(sound, tmp_path, data), sound)


RESUMED = '{"vladser": "1", "packages": {"jax": "2", "jaxlib": "3"}, "devices": ["x"]}'


@pytest.mark.slow
@cases(40)
@given(st.data())
def test_a_damaged_unfinished_run_is_refused(tmp_path, data):
    settings = cli.parse(flags.Settings, ["--corpus=demo", f"--run_dir={tmp_path}"])
    (tmp_path / "flags.txt").write_text("--corpus=demo\n")
    assert refused(resuming.check, settings) is None
    (tmp_path / "flags.txt").write_bytes(data.draw(st.binary()))
    assert refused(resuming.check, settings) is None
    value = json.loads(RESUMED) | {"digest": "beef"}
    change(data.draw, value)
    text = json.dumps(value)
    text = data.draw(
        st.sampled_from([text, text[:-9], "[" * 100_000, "[]", "null", "1"])
    )
    for name in "environment.json", "dataset.json":
        (tmp_path / name).write_text(text)
    now = json.loads(RESUMED), {"digest": "beef"}
    refused(resuming.check_same, tmp_path, *now)
