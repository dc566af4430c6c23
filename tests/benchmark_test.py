"""The benchmark as a program."""

import json
import sys
from itertools import product

import jax
import numpy as np
import pytest
import soundfile
import streams
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch import benchmark
from launch.benchmarking import (
    accelerator,
    audio_speed,
    bare_smile,
    figures,
    lstm_alone,
    workloads,
)
from launch.command_line import cli
from vladser.features import pool
from vladser.text import escaped


def call(*argv):
    return cli.run(benchmark.main, benchmark.Settings, "", argv)


@pytest.mark.parametrize(
    ("flag", "right"),
    [
        ("--peers=keras", "expected one of torch_padded, flax_linen"),
        ("--workloads=ravdess", "expected some of emodb, iemocap, proposed, dnn_elm, "),
        ("--workloads=100,100", "expected each value once"),
        ("--trials=1,13", "expected at most 10, or a multiple of it"),
        ("--extraction", "needs --data_dir"),
        ("--data_dir=nowhere", "no such folder"),
        ("--json=nowhere/x.json", "no folder nowhere"),
    ],
)
def test_wrong_use_is_one_line(capsys, flag, right):
    assert call(flag) == 2
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1
    assert right in text


PEER = pytest.param(["flax_linen"], marks=pytest.mark.long)


@pytest.mark.slow
@pytest.mark.parametrize("peers", [[], PEER])
def test_measures_prints_and_writes(tmp_path, capsys, peers):
    file, names = tmp_path / "result.json", ["ours", *peers]
    argv = ["--workloads=6,30", f"--peers={','.join(peers) or 'none'}", "--rounds=2"]
    assert call(*argv, "--trials=2", "--devices=2", f"--json={file}") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    result = json.loads(file.read_text())
    assert result["packages"]["jax"]
    for workload, frames in zip(result["workloads"], (6, 30), strict=True):
        assert (workload["name"], workload["frames"]) == (str(frames), 320 * frames)
        assert [e["name"] for e in workload["contestants"]] == names
        for entry in workload["contestants"]:
            assert len(entry["rounds"]) == 2
            for timed in entry["rounds"]:
                assert 2 * 288 * frames == timed["frames"] <= timed["computed"]
                assert timed["seconds"] > 0
            ours, rounds = workload["contestants"][0]["rounds"], entry["rounds"]
            rates = [of["frames"] / of["seconds"] / 1e3 for of in rounds]
            pairs = zip(rounds, ours, strict=True)
            ahead = [mine["seconds"] / best["seconds"] for mine, best in pairs]
            start = ["|", f"{frames}", "|", "2", "|", escaped(entry["name"]), "|"]
            (row,) = (row for row in rows if row[:7] == start)
            low, high = min(rates), max(rates)
            assert row[7:10:2] == [
                f"{np.median(rates):,.0f}",
                f"{low:,.0f}-{high:,.0f}",
            ]
            assert row[13] == f"{min(ahead):.2f}-{max(ahead):.2f}"


# A CPU's memory is the machine's, which must not run out.
PARTS = tuple(part for part in accelerator.PARTS if part != accelerator.shortage)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts", [PARTS[:1], pytest.param(PARTS, marks=pytest.mark.long)]
)
def test_all_that_an_accelerator_is_asked_for_is_one_table(
    tmp_path, monkeypatch, capsys, parts
):
    small = {
        lstm_alone: {"TRIALS": (1, 2), "FRAMES": 32, "BATCH": 8, "CELLS": 16},
        figures: {"REPEATS": 1},
        accelerator: {
            **{"TRAINED": ((2, 1), (4, 2)), "ROUNDS": 1, "FILES": 4, "REPEATED": 40},
            **{"PARTS": parts, "check": lambda: None},
        },
    }
    for module, values in small.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    noise = workloads.noise(workloads.lognormal(40, 30, 0.3, 64))
    monkeypatch.setattr(workloads, "load", lambda name: noise)
    file = tmp_path / "result.json"
    assert call("--accelerator", f"--json={file}") == 0
    table, rows = capsys.readouterr().out, json.loads(file.read_text())["figures"]
    assert len(table.strip().splitlines()) == 2 + len(rows)
    assert not any("failed" in row["way"] for row in rows)
    found = {(row["what"], row["way"]): row["values"] for row in rows}
    for kernel, precision in product(["fused", "scan"], ["highest", "default"]):
        way = f"{kernel}, precision {precision}"  # the same on a CPU
        assert found["LSTM against the scan in float32", way] == [0]
    if parts == PARTS:
        assert min(found["training, 4 trials of 2 conditions", "scan"]) > 0
        assert found["two processes give the same bits", "--deterministic"] == [1]
        assert min(found["classifying files of IEMOCAP's lengths", ""]) > 0


def test_a_cpu_is_no_accelerator(capsys):
    assert call("--accelerator") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: --accelerator measures a GPU or TPU: jax finds none here"


def test_a_part_that_fails_or_does_not_end_leaves_the_others(monkeypatch):
    def late():
        accelerator._run([sys.executable, "-c", "import time; time.sleep(600)"])
        yield

    def short():
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 1 GiB")
        yield

    def fine():
        yield figures.Row("fine", "always", [1.25, 2.0, 1.5], "times")

    monkeypatch.setattr(accelerator, "PARTS", (late, short, fine))
    monkeypatch.setattr(accelerator, "PATIENCE", 0.2)
    *failed, row = accelerator.measure()
    assert [(row.what, row.values) for row in failed] == [("late", []), ("short", [])]
    assert "no end within" in failed[0].way and "EXHAUSTED" in failed[1].way
    table = figures.shown([*failed, row])
    assert "| fine " in table and " 1.25-2 |" in table


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
def test_extraction_and_streaming_are_timed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bare_smile, "get_context", pool.get_context)
    monkeypatch.setattr(audio_speed, "_PACED", 0.5)
    (tmp_path / "wav").mkdir()
    for seed in range(3):
        file = tmp_path / "wav" / f"{seed}.wav"
        soundfile.write(file, streams.speech(1, seed=seed), 16000)
    file, data = tmp_path / "result.json", f"--data_dir={tmp_path}"
    argv = "--workloads=none", "--extraction", "--streaming", "--rounds=2"
    assert call(*argv, data, f"--json={file}") == 0
    rows = json.loads(file.read_text())["figures"]
    found = {(row["what"], row["way"], row["unit"]): row["values"] for row in rows}
    assert len(found) == len(rows) == 7 + 3
    for (_, way, _), values in found.items():
        assert min(values) > 0 or way == "first, without start"  # which is quick here
    (extracting,) = {what for what, *_ in found if "extracting 3 files" in what}
    first, second = (found[extracting, way, "s"] for way in ("first", "second"))
    ratios = np.divide(first, second)
    assert len(ratios) == 2
    faster = found[extracting, "second", "times the first"]
    assert faster == pytest.approx(ratios)
    table = " ".join(capsys.readouterr().out.split())
    assert f"| {np.median(ratios):.3g} |" in table
    assert (
        len(found["streaming 3 s of audio", "as fast as it goes", "of its time"]) == 2
    )
    computing = "computing, a chunk of 100 ms"
    times = found[computing, "each", "ms"]
    assert len(times) == 5
    assert max(times) >= found[computing, "95 % within", "ms"][0] >= np.median(times)
