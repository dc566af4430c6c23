"""Contestants side by side: all train a round, then all the next one."""

import importlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, Protocol

import jax
import numpy as np

from launch.benchmarking import PEERS, workloads
from launch.benchmarking.figures import spread
from launch.benchmarking.workloads import Workload
from launch.output import terminal
from vladser import model, text
from vladser.condition import Condition
from vladser.data import dataset
from vladser.engine import arithmetic, experiment
from vladser.engine.events import Compiled, Epoch, Step
from vladser.registry import objectives
from vladser.types import Array, Spec

# Of relative errors in the l2 norm. All compute in float32, and differ in the order of
# sums over some hundred frames and in the rounding of exp and tanh: 1e-7 to 1e-5.
TOLERANCE = 1e-4
_COLUMNS = (
    *("workload", "trials", "contestant", "k real frames/s", "low-high"),
    *("ours is faster by", "low-high", "padding efficiency"),
    *("GFLOP/s", "% of sgemm"),
)


class Contestant(Protocol):
    """One way to train the trials of a workload. A peer has `trains` as well: whether
    it can train a condition; and `gradients`: from our parameters and the rows [B] of a
    minibatch of the first trial, -1 an empty one, the loss and its gradient, in the
    layout of `vladser.model`."""

    def __init__(self, workload: Workload): ...

    def prepare(self, rounds: int) -> float:
        """Compiles for that many rounds; returns the seconds of it."""

    def train(self, rows: np.ndarray) -> int:
        """Trains the next round, [steps, trials, B] int32, -1 an empty row; returns how
        many frames went through the model, padding included."""


class Ours:
    """vladser itself, as `launch.main` runs it; the schedule is drawn in time."""

    def __init__(self, workload: Workload):
        self.workload = workload

    def prepare(self, rounds: int) -> float:
        self.events = experiment.run(self.workload.design)
        compiled = next(self.events)
        assert isinstance(compiled, Compiled)
        return compiled.seconds

    def train(self, rows: np.ndarray) -> int:
        """Trains the next epoch of the plan, which has the same rows."""
        computed = 0
        for event in self.events:
            if isinstance(event, Epoch):
                break
            if isinstance(event, Step):
                computed += event.computed
        return computed


def load(name: str) -> Any:
    """Returns the class of a contestant; raises ModuleNotFoundError where its library
    is not installed."""
    if name == "ours":
        return Ours
    module, _, contestant = PEERS[name].partition(".")
    return getattr(importlib.import_module(f"launch.benchmarking.{module}"), contestant)


def agreeing(
    peers: Iterable[str], condition: Condition = workloads.CONDITION
) -> tuple[list[str], dict[str, str]]:
    """Finds the peers that train our model; returns them, and a note on each peer."""
    agreed, notes = [], {}
    for name in peers:
        try:
            peer = load(name)
        except ModuleNotFoundError as missing:
            notes[name] = f"left out, {missing.name} is not installed"
            continue
        if not peer.trains(condition):
            notes[name] = "left out, it has no such system"
            continue
        largest = float(np.max([*errors(peer, condition).values()]))
        if largest <= TOLERANCE:  # not if it is NaN
            agreed.append(name)
        what = "" if name in agreed else "left out, "
        notes[name] = f"{what}differs from ours by {largest:.0e} at most"
    return agreed, notes


def errors(peer: Any, condition: Condition = workloads.CONDITION) -> dict[str, float]:
    """Returns the relative errors of a peer's loss and of each of its gradients, by
    name: of one minibatch without noise and dropout, and ours as the reference."""
    lengths = np.random.default_rng(0).integers(5, 61, 40)
    data = workloads.noise(lengths, speakers=2)
    plain = replace(condition, noise=0.0, dropout=0.0)
    workload = workloads.plan("agreement", data, 1, 1, plain)
    draw = np.random.default_rng(0)
    params = jax.tree.map(  # none of them is 0: each has one place to go to
        lambda x: x + draw.normal(0, 0.1, x.shape).astype(np.float32),
        jax.device_get(model.init(jax.random.key(0), workload.spec)),
    )
    # Rows of different lengths, the longest not the first, and an empty one.
    live = workload.plan.folds[0].train
    ours = _gradients(workload, params, live)
    rows = np.append(live, -1).astype(np.int32)
    theirs = jax.tree.leaves(peer(workload).gradients(params, rows))
    pairs = zip(jax.tree.leaves_with_path(ours), theirs, strict=True)
    return {
        jax.tree_util.keystr(path[1:], simple=True, separator=".") or "loss": float(
            np.linalg.norm(np.subtract(value, expected)) / np.linalg.norm(expected)
        )
        for (path, expected), value in pairs
    }


def _gradients(
    workload: Workload, params: model.Params, rows: np.ndarray
) -> tuple[Array, model.Params]:
    """Differentiates our model as a whole; that training's own gradient is the same,
    the tests of the engine assert."""
    spec: Spec = workload.spec
    trial = jax.tree.map(lambda x: x[0], workload.trials)
    buffer = dataset.to_device(workload.data)
    frames, mask = dataset.gather(buffer, rows, 0, workload.data.length.max())
    objective = objectives.build(spec.objective)

    def loss(params):
        standardized = (frames - trial.mean) * trial.scale
        vectors, logits = model.forward(params, spec, standardized, mask)
        return objective.loss(
            params.objective, trial.objective, vectors, logits, buffer.label[rows]
        ).mean()

    with jax.default_matmul_precision("highest"):
        return jax.jit(jax.value_and_grad(loss))(params)


def measure(workload: Workload, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """Times rounds of contestants, the first of them "ours", after one to warm up;
    returns what the workload is, and every round of each."""
    entries, compiling = {}, {}
    for name in names:
        terminal.say(f"{workload.name}: preparing {name}")
        entries[name] = load(name)(workload)
        compiling[name] = entries[name].prepare(rounds + 1)
        _train(entries[name], workload, 0)
    timed: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    products = []  # of large matrices, operations a second
    for number in range(1, rounds + 1):
        products.append(arithmetic.speed())
        # Whoever comes first in one round comes last in the next.
        for name in names if number % 2 else reversed(names):
            timed[name].append(_train(entries[name], workload, number))
        terminal.say(f"{workload.name}: round {number} of {rounds} is timed")
    cost = arithmetic.training(workload.spec)
    return {
        "name": workload.name,
        "rows": len(workload.data.length),
        "frames": int(workload.data.length.sum()),
        "operations_of_a_frame": cost.frame,
        "operations_of_a_row": cost.row,
        "sgemm_operations_per_second": products,
        "feature_set": workload.data.feature_set,
        "trials": len(workload.trials.seed),
        "contestants": [
            {"name": name, "compile_seconds": compiling[name], "rounds": timed[name]}
            for name in names
        ],
    }


def table(
    results: Sequence[Mapping[str, Any]], notes: Mapping[str, Mapping[str, str]]
) -> str:
    """Returns what `measure` returned as Markdown: a row a contestant of each workload,
    and the notes on the contestants."""
    rows = []
    for result in results:
        sgemm = median(result["sgemm_operations_per_second"])
        costs = result["operations_of_a_frame"], result["operations_of_a_row"]
        each = [_rounds(entry) for entry in result["contestants"]]
        ours = each[0]["frames"] / each[0]["seconds"]
        for entry, of in zip(result["contestants"], each, strict=True):
            rate = of["frames"] / of["seconds"]
            done = median(np.dot(costs, [of["frames"], of["rows"]]) / of["seconds"])
            rows.append(
                (
                    *(result["name"], f"{result['trials']}", entry["name"]),
                    *spread(rate / 1e3, "{:,.0f}"),
                    *spread(ours / rate, "{:.2f}"),
                    f"{of['frames'].sum() / of['computed'].sum():.3f}",
                    f"{done / 1e9:,.0f}",
                    f"{100 * done / sgemm:.0f}",
                )
            )
    lines = [
        f"- {workload}: {name} {note}"
        for workload, of in notes.items()
        for name, note in of.items()
    ]
    return "\n".join([text.table(_COLUMNS, rows, {2}, markdown=True), "", *lines])


def _rounds(entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns what each round of a contestant has, [rounds]."""
    rounds = entry["rounds"]
    return {key: np.array([of[key] for of in rounds]) for key in rounds[0]}


def _train(contestant: Contestant, workload: Workload, number: int) -> dict[str, float]:
    """Trains a round: real frames, frames computed for them, rows, and seconds."""
    rows = workload.rows(number)
    begin = time.perf_counter()
    computed = contestant.train(rows)
    seconds = time.perf_counter() - begin
    frames = int(workload.lengths(rows).sum())
    live = int(np.count_nonzero(rows >= 0))
    return {"frames": frames, "computed": computed, "rows": live, "seconds": seconds}
