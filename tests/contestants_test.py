"""The contestants of the benchmark train one model on the same utterances."""

import sys
from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from launch.benchmarking import PEERS, contest, hardware, workloads
from vladser.condition import make, specification

COUNTS = {"a": (4, 5, 3, 4), "b": (4, 4, 4, 4), "c": (9, 8, 9, 8)}
LENGTHS = np.random.default_rng(1).integers(3, 30, 66)
PARAMETERS = {
    "loss",
    *(f"encoder.{name}" for name in ("input_kernel", "recurrent_kernel", "bias")),
    *(f"aggregator.{name}" for name in "wbc"),
    *(f"head.{name}" for name in ("kernel", "bias")),
}


def small(trials=3, frames=1, rounds=3, **settings):
    condition = replace(workloads.CONDITION, **settings)
    data = workloads.noise(COUNTS, LENGTHS)
    return workloads.plan("small", data, trials, frames, rounds, condition)


@pytest.mark.long
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_has_our_gradients_and_learns_from_all_frames(name):
    if name.startswith("torch"):
        pytest.importorskip("torch")
    peer = contest.load(name)
    errors = contest.errors(peer)
    assert errors.keys() == PARAMETERS
    assert max(errors.values()) < contest.TOLERANCE, errors
    workload = small(frames=1000, rounds=10, noise=0.0, dropout=0.0)
    entry, rows = peer(workload), workload.plan.folds[0].train

    def loss():
        if name.startswith("torch"):
            return entry.loss(entry.models[0], rows).item()
        params, trial = jax.tree.map(lambda x: x[0], (entry.state[0], entry.trials))
        return entry.loss(params, trial, entry.buffer, rows, entry.key, 64)

    before = loss()
    entry.prepare(10)
    for number in range(10):
        rounds = workload.rows(number)
        exact = workload.lengths(rounds)
        padded = int(((exact > 0).sum(axis=-1) * exact.max(axis=-1)).sum())
        assert entry.train(rounds) >= (padded if "torch" in name else exact.sum())
    assert loss() < before - 0.02


@pytest.mark.slow
def test_a_peer_that_mixes_up_two_gates_is_left_out(monkeypatch):
    class Wrong(contest.load("flax_linen")):
        def from_ours(self, params):
            params = super().from_ours(params)
            cell = params.encoder["cell"]
            swapped = cell | {"if": cell["io"], "io": cell["if"]}
            return params._replace(encoder={"cell": swapped})

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
    [("emodb", 340, 254, 893, 94_124), ("iemocap", 5531, 360, 3410, 2_516_400)],
)
def test_noise_has_the_lengths_of_a_corpus(name, count, median, longest, total):
    workloads_like = workloads.load(name)
    lengths = workloads_like.length
    assert len(workloads_like.speakers) == 10
    assert (len(lengths), np.median(lengths), lengths.max()) == (count, median, longest)
    assert abs(lengths.sum() - total) < 1e-3 * total
    assert abs(np.corrcoef(lengths, np.arange(count))[0, 1]) < 0.1


def test_a_round_is_an_epoch_or_some_of_its_minibatches():
    assert len(small(frames=1).rows(0)) == 1
    workload = small(trials=6, frames=10**6)
    assert (len(workload.plan.folds), [*workload.plan.seeds]) == (3, [0, 1])
    rows = workload.rows(1)
    assert rows.shape[1:] == (6, workloads.BATCH_SIZE)
    assert (rows != workload.rows(0)).any()
    for trial in range(6):
        live = rows[:, trial][rows[:, trial] >= 0]
        assert sorted(live) == workload.plan.folds[trial % 3].train.tolist()


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
        jaxpr = jax.make_jaxpr(jax.grad(loss))(params, jnp.ones((steps, d)))
        return sum(map(_flops, jaxpr.eqns))

    for fewer, more in pairwise([products(steps) for steps in (2, 3, 4)]):
        assert more - fewer == hardware.flops(spec, k)


def _flops(equation):
    if "jaxpr" in equation.params:
        return sum(map(_flops, equation.params["jaxpr"].eqns))
    if equation.primitive.name != "dot_general":
        return 0
    (contracted, _), _ = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    inner = np.prod([shape[axis] for axis in contracted])
    return 2 * int(inner) * equation.outvars[0].aval.size
