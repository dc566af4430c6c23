"""Command lines, flagfiles and grids: settings, or one line and status 2."""

import math
import re

import pytest
from fuzzing import cases, refused
from hypothesis import assume, given
from hypothesis import strategies as st

from launch.command_line import cli, fields, flags
from vladser.condition import distinct_names

pytestmark = pytest.mark.fault("flags")

ANY = st.text(st.characters(), max_size=6)
LONG = "a" * 5000
DEEP = "(" * 5000, "[" * 150, "-" * 20000 + "1", "a." * 20000 + "b", "9" * 5000
POOLINGS = ["mean", "netvlad(clusters=8)", "netvlad(ghost=2)", "my.pooling(a=(1,'x'))"]
NO_POOLINGS = ["netvlad(clusters=", "mean(1)", "f(x)(y)", "netvlad(**{'a':1})", *DEEP]
NO_NUMBERS = ["1e400", "nan", "inf", "1_0", "-1", "2e-324", str(2**70), "0x1", "0.5.1"]
SHARES = ["0.1", "0.5", ".25", "1e-5", "0.3"]
ODD = ["0.10", "-0.0", "1e-400", "0.30000000000000004"]  # numbers, but the same
OF_SHARES = "alpha noise dropout learning_rate rho class_weights focal logit_adjustment"
RIGHT = {
    "aggregator": POOLINGS,
    "smoothing": ["none", "uniform", "unigram"],
    "cells": ["1", "8", "64", "065"],
    "encoder": ["lstm", "gru(cells=3)", "none", "my.encoder"],
    "head": ["linear", "dense(units=3)"],
    "optimizer": ["adam", "sgd(momentum=0.9)", "adadelta"],
    "objective": ["cross_entropy", "cross_entropy(alpha=0.3,focal=1)"],
    **dict.fromkeys(OF_SHARES.split(), SHARES),
}
WRONG = st.sampled_from([*NO_POOLINGS, *NO_NUMBERS, *ODD, ""]) | ANY


@st.composite
def grids(draw):
    """Like `alpha=0.1,0.2; aggregator=mean`, more or less."""
    careless = draw(st.sampled_from([False, False, True]))
    settings = st.lists(st.sampled_from([*RIGHT]), min_size=1, max_size=4, unique=True)
    parts = []
    for name in draw(settings):
        values = st.sampled_from(RIGHT[name])
        if careless:
            values |= WRONG
        some = st.lists(values, min_size=1, max_size=3, unique=not careless)
        parts.append(f"{name}={','.join(draw(some))}")
    return (draw(st.sampled_from([";;", ",", "; "])) if careless else "; ").join(parts)


PATHS = st.sampled_from(
    [".", "..", "~", "~nobody-x/y", "a b", "\0", "ä/日本", LONG, ""]
)
NAMES = st.sampled_from([name for name, _ in fields.declared(flags.Settings)])
WORDS = "-- - --- --= --flagfile --nodry_run --undefok=x --undefok"
FLAGS = st.one_of(
    st.sampled_from([f"--{name}={value}" for name in RIGHT for value in RIGHT[name]]),
    st.tuples(NAMES, WRONG | PATHS | st.just("demo")).map("--{0[0]}={0[1]}".format),
    grids().map("--grid={}".format),
    PATHS.map("--flagfile={}".format),
    st.sampled_from(WORDS.split()),
    ANY,
)


def check(capsys, *argv):
    """Whatever is refused is refused in one line, with status 2."""
    status = cli.run(lambda settings: None, flags.Settings, "", argv)
    lines = capsys.readouterr().err.splitlines()
    if "--verbose" not in argv:
        assert (status, len(lines)) in [(0, 0), (2, 1)]


@cases(60)
@given(st.lists(FLAGS, max_size=4))
def test_command_lines(capsys, argv):
    asks = {"--help", "-help", "-h", "--version", "-version"}
    assume(not asks & {arg.partition("=")[0] for arg in argv})
    check(capsys, "--corpus=demo", *argv)


@cases(40)
@given(
    st.lists(
        FLAGS | st.sampled_from(["# a", "", "\ufeff", " --epochs=3 "]), max_size=5
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.binary(max_size=9),
)
def test_flagfiles(capsys, tmp_path, lines, encoding, rest):
    file, text = tmp_path / "fuzzed.flags", "\n".join(lines)
    errors = "surrogatepass" if "utf" in encoding else "replace"
    file.write_bytes(text.encode(encoding, errors) + rest)
    assume("-version" not in text and "-help" not in text)
    check(capsys, "--corpus=demo", f"--flagfile={file}")


@pytest.mark.slow
@cases(50)
@given(st.lists(grids(), min_size=1, max_size=2))
def test_grids_are_their_products_and_survive_flags_txt(tmp_path, said):
    argv = "--corpus=demo", *(f"--grid={grid}" for grid in said)
    if (settings := refused(cli.parse, flags.Settings, argv)) is None:
        return
    conditions = flags.conditions(settings)
    sizes = [math.prod(len(of) for _, of in grid.values) for grid in settings.grid]
    assert 1 <= len(conditions) <= sum(sizes)
    assert len({*distinct_names(conditions)}) == len(conditions)
    (tmp_path / "flags.txt").write_text(flags.text(settings), encoding="utf-8")
    again = cli.parse(flags.Settings, [f"--flagfile={tmp_path / 'flags.txt'}"])
    assert flags.conditions(again) == conditions


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--data_dir=~nobody-x/y"], "--data_dir=~nobody-x/y: "),
        (["--corpus=emodb", f"--data_dir={LONG}"], "File name too long"),
        (["--run_dir=a\0b"], r"'--run_dir=a\\x00b' holds a character"),
        (["--run_dir=a\udcffb"], r"'--run_dir=a\\udcffb' holds a character"),
        (["--emotions=a,b\nc"], r"'--emotions=a,b\\nc' holds a character"),
        (["--flagfile=~nobody-x/y"], "--flagfile=~nobody-x/y: "),
        ([f"--flagfile={LONG}"], "File name too long"),
    ],
)
def test_what_no_file_or_line_can_hold_is_refused(argv, said):
    with pytest.raises(cli.UsageError, match=said):
        cli.parse(flags.Settings, ["--corpus=demo", *argv])


def test_a_grid_without_end_is_refused_at_once():
    values = ",".join(str(n / 1000) for n in range(1000))
    grid = ";".join(f"{name}={values}" for name in ("alpha", "noise", "dropout", "rho"))
    with pytest.raises(cli.UsageError, match=re.escape("1,000,000,000,000 conditions")):
        cli.parse(flags.Settings, ["--corpus=demo", f"--grid={grid}"])
