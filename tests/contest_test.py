"""The contestants of the benchmark train one model on the same utterances."""

import sys

import numpy as np
import pytest

from launch.benchmarking import PEERS, contest, workloads


@pytest.mark.long
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_has_our_gradients_and_trains_on_all_frames(name):
    if name.startswith("torch"):
        pytest.importorskip("torch")
    peer = contest.load(name)
    errors = contest.errors(peer)
    assert len(errors) == 1 + 3 + 3 + 2  # the loss and what is learned of each part
    assert max(errors.values()) < contest.TOLERANCE, errors
    lengths = np.random.default_rng(1).integers(3, 30, 66)
    workload = workloads.plan("small", workloads.noise(lengths, speakers=3), 3, 3)
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
    monkeypatch.setattr(contest, "errors", lambda _: errors)
    agreed, notes = contest.agreeing(["flax_linen"])
    assert not agreed
    assert notes["flax_linen"].startswith("left out, differs from ours by")


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
