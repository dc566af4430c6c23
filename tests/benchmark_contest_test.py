"""How the benchmark counts."""

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from launch.benchmarking import arithmetic, contest, contestant, corpora, workloads
from launch.benchmarking.contestant import Timed
from vladser.condition import make, specification


def workload(rounds=3, condition=workloads.CONDITION):
    counts = {"f": (9, 9, 9, 9), "m": (8, 8, 8, 8)}
    lengths = np.random.default_rng(0).integers(3, 20, 68)
    corpus = corpora.noise(counts, lengths)
    return workloads.make("small", corpus, 2, int(lengths.sum()), rounds, condition)


def check_counts(timed, small, number):
    rows = small.sorted_rows(number)
    assert timed.frames == small.corpus.length[rows[rows >= 0]].sum()
    assert timed.computed >= timed.frames
    assert timed.seconds > 0


@pytest.mark.long
def test_ours_trains_all_frames_of_a_round():
    small = workload()
    entry = contestant.load("ours")(small)
    entry.prepare(3)
    for number in (1, 2):
        check_counts(entry.train(number), small, number)


@pytest.mark.long
@pytest.mark.parametrize("name", contestant.PEERS)
def test_a_peer_trains_all_frames_of_a_round_and_learns(name):
    if name.startswith("torch"):
        pytest.importorskip("torch")
    exact = replace(workloads.CONDITION, noise=0.0, dropout=0.0)
    small = workload(rounds=10, condition=exact)
    entry, rows = contestant.load(name)(small), small.plan.folds[1].train

    def loss():  # of the second training
        if name.startswith("torch"):
            return entry.loss(entry.trainings[1], rows).item()
        params, trial = jax.tree.map(lambda x: x[1], (entry.state[0], entry.trials))
        return entry.loss(params, trial, entry.buffer, rows, jax.random.key(0), 64)

    before = loss()
    entry.prepare(10)
    for number in range(1, 10):
        check_counts(entry.train(number), small, number)
    assert loss() < before - 0.02


def test_a_packed_row_is_as_long_as_it_is_and_a_padded_one_as_the_longest():
    pytest.importorskip("torch")
    lengths = np.array([3, 7, 5])
    assert contestant.load("torch_packed").computed(None, lengths) == 15
    assert contestant.load("torch_padded").computed(None, lengths) == 21


def test_rates_ratios_and_turns(monkeypatch):
    turns = []

    class Ours:
        about, slower = "", 1

        def __init__(self, workload):
            pass

        def prepare(self, rounds):
            assert rounds == 4
            return 0.5

        def train(self, number):
            turns.append((self.slower, number))
            return Timed(100, 200, self.slower * number)

    class Peer(Ours):
        slower = 3

    class Roofline:
        measure = iter([(1e9, 2e9), (3e9, 1e9), (2e9, 1e9)]).__next__

    monkeypatch.setattr(contestant, "load", {"ours": Ours, "peer": Peer}.get)
    monkeypatch.setattr(contest, "Roofline", Roofline)
    found = contest.measure(workload(), ["ours", "peer"], 3, print)
    assert turns == [(1, 1), (3, 1), (3, 2), (1, 2), (1, 3), (3, 3)]
    assert found["roofline"]["sgemm_flops_per_second"] == 3e9
    ours, peer = found["contestants"]
    assert ours["real_frames_per_second"] == {
        "median": 50,
        "low": pytest.approx(100 / 3),
        "high": 100,
    }
    assert set(ours["ours_is_faster_by"].values()) == {1}
    assert peer["ours_is_faster_by"]["median"] == pytest.approx(3)
    assert peer["padding_efficiency"] == 0.5
    needed = arithmetic.flops(workload().spec, workloads.CLUSTERS)
    assert ours["share_of_sgemm"] == pytest.approx(50 * needed / 3e9)


@pytest.mark.slow
def test_flops_are_those_of_autodiff():
    """Of an unrolled LSTM and NetVLAD, by the matrix products that one more frame adds
    to the gradient that jax derives, where no gradient of the input is asked for."""
    d, h, k = 5, 3, 2
    spec = specification(make(cells=h), d, 4)

    def loss(params, frames):
        w, u, assign, center = params
        state = cell = jnp.zeros((1, h))
        hidden = []
        for frame in frames:
            i, f, g, o = jnp.split(frame[None] @ w + state @ u, 4, axis=1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            state = jax.nn.sigmoid(o) * jnp.tanh(cell)
            hidden.append(state)
        hidden = jnp.concatenate(hidden)
        scores = jax.nn.softmax(hidden @ assign.T)
        return jnp.sum((scores.T @ hidden - scores.sum(0)[:, None] * center) ** 2)

    def products(steps):
        shapes = (d, 4 * h), (h, 4 * h), (k, h), (k, h)
        params = [jnp.ones(shape) for shape in shapes]
        frames = jnp.ones((steps, d))
        jaxpr = jax.make_jaxpr(jax.grad(loss))(params, frames)
        return sum(map(_flops, jaxpr.eqns))

    counts = [products(steps) for steps in (2, 3, 4)]
    for fewer, more in pairwise(counts):
        assert more - fewer == arithmetic.flops(spec, k)


def _flops(equation):
    if "jaxpr" in equation.params:
        return sum(map(_flops, equation.params["jaxpr"].eqns))
    if equation.primitive.name != "dot_general":
        return 0
    (contracted, _), _ = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    inner = np.prod([shape[axis] for axis in contracted])
    return 2 * int(inner) * equation.outvars[0].aval.size
