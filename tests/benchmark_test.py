"""The benchmark as a program."""

import json

import numpy as np
import pytest
import soundfile
import streams
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch import benchmark
from launch.benchmarking import audio_speed, contest, workloads
from launch.command_line import cli
from vladser.features import extraction
from vladser.text import escaped


def call(*argv):
    return cli.run(benchmark.main, benchmark.Settings, "", argv)


@pytest.mark.parametrize(
    ("flag", "right"),
    [
        ("--peers=keras", "expected one of torch_padded, flax_linen"),
        ("--workloads=ravdess", "expected some of emodb, iemocap and numbers"),
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
    table = " ".join(capsys.readouterr().out.split())
    assert all(f"| 30 | 2 | {escaped(name)} |" in table for name in names)
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


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
def test_extraction_is_timed_as_often_as_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(audio_speed, "get_context", extraction.get_context)
    (tmp_path / "wav").mkdir()
    for name in "abc":
        soundfile.write(tmp_path / "wav" / f"{name}.wav", np.zeros(8000), 16000)
    file, data = tmp_path / "result.json", f"--data_dir={tmp_path}"
    argv = "--workloads=none", "--extraction", "--rounds=2", f"--json={file}"
    assert call(*argv, data) == 0
    result = json.loads(file.read_text())["extraction"]
    assert result["files"] == 3
    for name in "startup", "bare", "first", "second":
        assert len(result[f"{name}_seconds"]) == 2
        assert min(result[f"{name}_seconds"]) > 0
    median = np.mean(np.divide(result["first_seconds"], result["second_seconds"]))
    assert result["second_speedup"]["median"] == pytest.approx(median)
    table = " ".join(capsys.readouterr().out.split())
    assert f"| second speedup | {median:.4g} |" in table


@pytest.mark.slow
def test_all_speech_is_heard_live(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_speed, "_PACED", 0.5)
    wavs = [tmp_path / f"{number}.wav" for number in range(2)]
    for number, wav in enumerate(wavs):
        soundfile.write(wav, streams.speech(1, seed=number), 16000)
    result = audio_speed.stream(wavs, rounds=2)
    assert result["audio_seconds"] == 2
    computing = result["compute_seconds"]
    assert 0 < computing["median"] <= computing["p95"] <= computing["max"]
    assert 0 < result["real_time_factor"]["low"] <= result["real_time_factor"]["high"]


def test_rates_ratios_and_turns(monkeypatch):
    turns, clock = [], [0.0]

    class Ours:
        seconds, number = 1, -1

        def __init__(self, workload):
            pass

        def prepare(self, rounds):
            return 0.5

        def train(self, rows):
            self.number += 1
            turns.append((self.seconds, self.number))
            clock[0] += self.seconds * self.number
            return 2 * 11_520  # twice the frames of two trials of 288 x 20

    class Peer(Ours):
        seconds = 3

    monkeypatch.setattr(contest, "load", {"ours": Ours, "peer": Peer}.get)
    monkeypatch.setattr(contest.time, "perf_counter", lambda: clock[0])
    data = workloads.load("20")
    workload = workloads.plan("20", data, 2, 4)
    result = contest.measure(workload, ["ours", "peer"], 3, print)
    assert turns == [(1, 0), (3, 0), (1, 1), (3, 1), (3, 2), (1, 2), (1, 3), (3, 3)]
    ours, peer = result["contestants"]
    rates = [*ours["real_frames_per_second"].values()]
    assert rates == pytest.approx([5760, 3840, 11_520])  # median, low, high
    assert set(ours["ours_is_faster_by"].values()) == {1}
    assert peer["ours_is_faster_by"]["median"] == pytest.approx(3)
    assert peer["padding_efficiency"] == 0.5
