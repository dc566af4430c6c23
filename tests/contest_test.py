"""The contestants of the benchmark train one model on the same utterances."""

import sys

import numpy as np
import pytest

from launch.benchmarking import SYSTEMS, contest, workloads

TRAINED = [
    # The loss, and what is learned of each part.
    ("flax_linen", "proposed", 1 + 3 + 3 + 2),
    ("torch_padded", "proposed", 1 + 3 + 3 + 2),
    ("torch_padded", "attentive_cnn", 1 + 2 + 1 + 2),
    ("torch_padded", "frame_lstm", 1 + 3 + 3 + 2),
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "system", "learned"), TRAINED)
def test_a_peer_has_our_gradients_and_trains_on_all_frames(name, system, learned):
    if name.startswith("torch"):
        pytest.importorskip("torch")
    peer, condition = contest.load(name), workloads.condition(system)
    errors = contest.errors(peer, condition)
    assert len(errors) == learned
    assert max(errors.values()) < contest.TOLERANCE, errors
    lengths = np.random.default_rng(1).integers(3, 30, 66)
    data = workloads.noise(lengths, speakers=3)
    workload = workloads.plan("small", data, 3, 3, condition)
    entry = peer(workload)
    entry.prepare(3)
    for number in range(3):
        rows = workload.rows(number)
        assert entry.train(rows) >= workload.lengths(rows).sum()


@pytest.mark.slow
def test_a_peer_that_mixes_up_two_gates_is_left_out(monkeypatch):
    class Wrong(contest.load("flax_linen")):
        def cell(self, lstm):
            right = super().cell(lstm)
            return right | {"if": right["io"], "io": right["if"]}

    errors = contest.errors(Wrong)
    assert errors["encoder.input_kernel"] > contest.TOLERANCE
    monkeypatch.setattr(contest, "errors", lambda *_: errors)
    agreed, notes = contest.agreeing(["flax_linen"])
    assert not agreed
    assert notes["flax_linen"].startswith("left out, differs from ours by")


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_peer_without_a_system_is_left_out_there(system):
    agreed, notes = contest.agreeing(["flax_linen"], workloads.condition(system))
    has = ("flax_linen", system) in {of[:2] for of in TRAINED}
    assert agreed == ["flax_linen"] * has
    assert has or notes == {"flax_linen": "left out, it has no such system"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "system",
    [
        pytest.param(name, marks=[pytest.mark.long] * name.endswith("_lstm"))
        for name in SYSTEMS
    ],
)
def test_ours_trains_each_system_and_its_operations_are_counted(system):
    data = workloads.noise(np.full(8, 30), speakers=2)
    workload = workloads.plan(system, data, 2, 2, workloads.condition(system))
    measured = contest.measure(workload, ["ours"], 1)
    (ours,) = measured["contestants"]
    (timed,) = ours["rounds"]
    assert timed["rows"] == len(workload.data.length)  # each is trained on once
    done = (
        measured["operations_of_a_frame"] * timed["frames"]
        + measured["operations_of_a_row"] * timed["rows"]
    )
    speed = measured["sgemm_operations_per_second"][0]
    table = contest.table([measured], {})
    *_, rate, share = (cell.strip(" |") for cell in table.splitlines()[2].split(" | "))
    assert rate == f"{done / timed['seconds'] / 1e9:,.0f}"
    assert share == f"{100 * done / timed['seconds'] / speed:.0f}"


def test_a_peer_without_its_library_is_left_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "launch.benchmarking.torch_rnn", raising=False)
    agreed, notes = contest.agreeing(["torch_padded"])
    assert (agreed, notes) == ([], {"torch_padded": "left out, torch is not installed"})


@pytest.mark.parametrize(
    ("name", "count", "median", "longest", "total"),
    [("emodb", 340, 254, 893, 94_124), ("iemocap", 560, 360, 3410, 254_780)],
)
def test_noise_has_the_lengths_of_a_corpus(name, count, median, longest, total):
    workloads_like = workloads.load(name)
    lengths = workloads_like.length
    assert len(workloads_like.speakers) == 10
    assert (len(lengths), np.median(lengths), lengths.max()) == (count, median, longest)
    assert abs(lengths.sum() - total) < 2e-3 * total
    assert abs(np.corrcoef(lengths, np.arange(count))[0, 1]) < 0.1
