"""Contestants side by side: all train a round, then all the next one."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import jax
import numpy as np

from launch.benchmarking import contestants, hardware, workloads
from launch.benchmarking.contestants import Contestant
from launch.benchmarking.workloads import CLUSTERS, Workload
from vladser import model

# Of relative errors in the l2 norm. All compute in float32, and differ in the order of
# sums over some hundred frames and in the rounding of exp and tanh: 1e-7 to 1e-5.
TOLERANCE = 1e-4


def agreeing(peers: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Finds the peers that train our model; returns them, and a note on each peer."""
    agreed, notes = [], {}
    for name in peers:
        try:
            largest = float(np.max([*errors(contestants.load(name)).values()]))
        except ModuleNotFoundError as missing:
            notes[name] = f"left out, {missing.name} is not installed"
            continue
        if largest <= TOLERANCE:  # not if it is NaN
            agreed.append(name)
        what = "" if name in agreed else "left out, "
        notes[name] = f"{what}differs from ours by {largest:.0e} at most"
    return agreed, notes


def errors(peer: type[Contestant]) -> dict[str, float]:
    """Returns the relative errors of a peer's loss and of each of its gradients, by
    name: of one minibatch without noise and dropout, and ours as the reference."""
    lengths = np.random.default_rng(0).integers(5, 61, 40)
    data = workloads.noise({"f": (5, 5, 5, 5), "m": (5, 5, 5, 5)}, lengths)
    plain = replace(workloads.CONDITION, noise=0.0, dropout=0.0)
    workload = workloads.plan("agreement", data, 1, 1, 1, plain)
    draw = np.random.default_rng(0)
    params = jax.tree.map(  # none of them is 0: each has one place to go to
        lambda x: x + draw.normal(0, 0.1, x.shape).astype(np.float32),
        jax.device_get(model.init(jax.random.key(0), workload.spec)),
    )
    # Rows of different lengths, the longest not the first, and an empty one.
    rows = np.append(workload.plan.folds[0].train, -1).astype(np.int32)
    ours = contestants.load("ours")(workload).gradients(params, rows)
    theirs = jax.tree.leaves(peer(workload).gradients(params, rows))
    pairs = zip(jax.tree.leaves_with_path(ours), theirs, strict=True)
    return {
        jax.tree_util.keystr(path[1:], simple=True, separator=".") or "loss": float(
            np.linalg.norm(np.subtract(value, expected)) / np.linalg.norm(expected)
        )
        for (path, expected), value in pairs
    }


def measure(
    workload: Workload,
    names: Sequence[str],
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Times contestants.

    Args:
      names: of the contestants; "ours" among them.
      rounds: to time, after one to warm up.
      say: hears how it goes.

    Returns:
      What the workload is, the speed of a matrix product, and every round of each
      contestant with medians and ranges.
    """
    peak, peaks, entries, compiling = hardware.sgemm(), [], {}, {}
    for name in names:
        say(f"{workload.name}: preparing {name}")
        entries[name] = contestants.load(name)(workload)
        compiling[name] = entries[name].prepare(rounds + 1)
        _train(entries[name], workload, 0)
    timed: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(1, rounds + 1):
        peaks.append(peak())
        # Whoever comes first in one round comes last in the next.
        for name in names if number % 2 else reversed(names):
            timed[name].append(_train(entries[name], workload, number))
        last = ", ".join(f"{name} {_rate(timed[name][-1]):,.0f}" for name in names)
        say(f"{workload.name}: round {number} of {rounds}, frames/s: {last}")
    needed = hardware.flops(workload.spec, CLUSTERS)
    ours = [_rate(round) for round in timed["ours"]]
    result: dict[str, Any] = {
        "name": workload.name,
        "utterances": len(workload.data.length),
        "frames": int(workload.data.length.sum()),
        "feature_set": workload.data.feature_set,
        "trials": len(workload.trials.seed),
        "sgemm_flops_per_second": max(peaks),
        "flops_per_frame": needed,
        "contestants": [],
    }
    for name, entry in entries.items():
        rates = [_rate(round) for round in timed[name]]
        total = {key: sum(r[key] for r in timed[name]) for key in timed[name][0]}
        result["contestants"].append(
            {
                "name": name,
                "about": entry.about,
                "compile_seconds": compiling[name],
                "rounds": timed[name],
                "real_frames_per_second": spread(rates),
                "ours_is_faster_by": spread(np.divide(ours, rates).tolist()),
                "padding_efficiency": total["frames"] / total["computed"],
                "share_of_sgemm": median(rates) * needed / max(peaks),
            }
        )
    return result


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns the median and the range."""
    return {"median": median(values), "low": min(values), "high": max(values)}


def _train(contestant: Contestant, workload: Workload, number: int) -> dict[str, float]:
    """Trains a round: real frames, frames computed for them, and seconds."""
    rows = workload.rows(number, shuffled=contestant.shuffled)
    begin = time.perf_counter()
    computed = contestant.train(rows)
    seconds = time.perf_counter() - begin
    frames = int(workload.lengths(rows).sum())
    return {"frames": frames, "computed": computed, "seconds": seconds}


def _rate(round: dict[str, float]) -> float:
    return round["frames"] / round["seconds"]
