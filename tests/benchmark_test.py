"""The benchmark as a program."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import launch
from launch import benchmark
from launch.benchmarking import contest, corpora, program
from launch.benchmarking.roofline import Roofline
from launch.command_line import cli

ROOT = Path(launch.__file__).parents[1]


def settings(*argv):
    return cli.parse(benchmark.Settings, argv)


def status(capsys, *argv):
    code = cli.run(benchmark.main, benchmark.Settings, "", argv)
    return code, capsys.readouterr().err


def test_loads_no_jax():
    code = "import sys, launch.benchmark; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_defaults():
    said = settings()
    assert said.workloads == ("emodb", "iemocap")
    assert said.peers == ("torch_padded", "torch_packed", "flax_linen", "flax_nnx")
    assert said.curves == ()
    assert said.trials == 10


@pytest.mark.parametrize(
    ("flag", "right"),
    [
        ("--peers=keras", "expected some of torch_padded,"),
        ("--curves=trials,trials", "expected some of trials,length,devices, or none"),
        ("--trials=13", "expected at most 10, or a multiple of it"),
        ("--extraction", "needs --data_dir"),
        ("--prediction=model", "needs --data_dir"),
        ("--data_dir=nowhere", "no such folder"),
        ("--json=nowhere/x.json", "no folder nowhere"),
    ],
)
def test_wrong_use_is_one_line(capsys, flag, right):
    code, text = status(capsys, flag)
    assert code == 2
    assert len(text.splitlines()) == 1
    assert right in text


def test_other_processes_get_the_same_flags(tmp_path):
    said = settings("--trials=20", "--frames=7", f"--data_dir={tmp_path}")
    passed_on = settings(*program._flags_of_one(said))
    assert passed_on.workloads == ("emodb",)
    assert passed_on.peers == ()
    for name in ("trials", "frames", "rounds", "data_dir", "cache_dir"):
        assert getattr(passed_on, name) == getattr(said, name)


def test_a_peer_without_its_library_is_left_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if "benchmarking.torch" in name]:
        monkeypatch.delitem(sys.modules, name)
    agreed, left_out = program._agreeing(["torch_padded"])
    assert agreed == {}
    assert left_out["torch_padded"] == "torch is not installed"


@pytest.mark.slow
def test_curves_are_over_what_they_say(monkeypatch, capsys):
    asked = []

    def measure(workload, names, rounds, say):
        asked.append((len(workload.trials.seed), set(workload.corpus.length.tolist())))
        rate = {"median": 5e5, "low": 4e5, "high": 6e5}
        entry = {"real_frames_per_second": rate, "padding_efficiency": 0.9}
        return {
            "contestants": [entry | {"name": n, "share_of_sgemm": 0.5} for n in names]
        }

    monkeypatch.setattr(contest, "measure", measure)
    monkeypatch.setattr(corpora, "FEATURES", 2)
    found = program._curves(settings("--curves=trials,length", "--peers=none"))
    assert [point["x"] for point in found["trials"]] == [1, 2, 5, 10, 20, 30, 60]
    assert [count for count, _ in asked[:7]] == [1, 2, 5, 10, 20, 30, 60]
    assert asked[7:] == [(10, {length}) for length in (100, 300, 1000, 3000)]
    assert "| 1,000 | 500 k | 400 k-600 k | 50.0 | 0.900 |" in capsys.readouterr().out


PEER = pytest.param(["flax_linen"], marks=pytest.mark.long)


@pytest.mark.slow
@pytest.mark.parametrize("peers", [[], PEER])
def test_measures_prints_and_writes(monkeypatch, tmp_path, capsys, peers):
    small = corpora.noise(
        {"f": (9, 9, 9, 9), "m": (8, 8, 8, 8)},
        np.random.default_rng(0).integers(3, 20, 68),
    )
    monkeypatch.setattr(corpora, "emodb", lambda *_: small)
    monkeypatch.setattr(contest, "Roofline", lambda: Roofline(size=64))
    file = tmp_path / "result.json"
    peer = ",".join(peers) or "none"
    argv = ["--workloads=emodb", f"--peers={peer}", "--rounds=2", "--trials=2"]
    code = cli.run(
        benchmark.main,
        benchmark.Settings,
        "",
        [*argv, "--frames=1000", "--devices=2", f"--json={file}"],
    )
    assert code == 0
    table = capsys.readouterr().out
    names = ["ours", *peers]
    assert all(f"| {name} |" in table for name in names)
    result = json.loads(file.read_text())
    assert result["packages"]["jax"]
    (workload,) = result["workloads"]
    assert [e["name"] for e in workload["contestants"]] == names
    for entry in workload["contestants"]:
        assert len(entry["rounds"]) == 2
        assert entry["real_frames_per_second"]["median"] > 0
    ours, *others = (entry["rounds"] for entry in workload["contestants"])
    for other in others:
        assert [r["frames"] for r in ours] == [r["frames"] for r in other]
    assert [*workload["agreement"]] == peers
    assert max(workload["agreement"].values(), default=0) < 1e-4
