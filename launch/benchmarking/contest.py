"""Contestants side by side: all train a round, then all the next one."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from launch.benchmarking import arithmetic, contestant
from launch.benchmarking.contestant import Timed
from launch.benchmarking.roofline import Roofline
from launch.benchmarking.workloads import CLUSTERS, Workload


def measure(
    workload: Workload,
    names: Sequence[str],
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measures contestants.

    Args:
      names: of the contestants; "ours" among them.
      rounds: to time, after one to warm up.
      say: hears how it goes.

    Returns:
      the workload, the roofline, and of each contestant all rounds and what they come
      to. Medians have the lowest and the highest beside them.
    """
    roofline, entries, compiling = Roofline(), {}, {}
    for name in names:
        say(f"{workload.name}: preparing {name}")
        entries[name] = contestant.load(name)(workload)
        compiling[name] = entries[name].prepare(rounds + 1)
    timed: dict[str, list[Timed]] = {name: [] for name in names}
    peaks = []
    for number in range(1, rounds + 1):
        peaks.append(roofline.measure())
        # Whoever comes first in one round comes last in the next.
        for name in names if number % 2 else reversed(names):
            timed[name].append(entries[name].train(number))
        rates = ", ".join(f"{name} {_rate(timed[name][-1]):,.0f}" for name in names)
        say(f"{workload.name}: round {number} of {rounds}, frames/s: {rates}")
    sgemm, copy = (max(values) for values in zip(*peaks, strict=True))
    needed = arithmetic.flops(workload.spec, CLUSTERS)
    return {
        "name": workload.name,
        "utterances": len(workload.corpus.length),
        "frames": int(workload.corpus.length.sum()),
        "median_length": float(median(workload.corpus.length)),
        "longest": int(workload.corpus.length.max()),
        "feature_set": workload.corpus.feature_set,
        "trainings": len(workload.trials.seed),
        "roofline": {
            "sgemm_flops_per_second": sgemm,
            "copy_bytes_per_second": copy,
            "flops_per_frame": needed,
            "bytes_per_frame": arithmetic.bytes_moved(workload.spec),
        },
        "contestants": [
            {
                "name": name,
                "about": entries[name].about,
                "compile_seconds": compiling[name],
                **_summary(timed[name], timed["ours"], needed, sgemm),
            }
            for name in names
        ],
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "low": min(values), "high": max(values)}


def _summary(
    rounds: Sequence[Timed], ours: Sequence[Timed], flops: int, sgemm: float
) -> Mapping[str, Any]:
    rates = [_rate(timed) for timed in rounds]
    ahead = [_rate(o) / rate for o, rate in zip(ours, rates, strict=True)]
    real, computed, _ = (math.fsum(x) for x in zip(*rounds, strict=True))
    return {
        "rounds": [timed._asdict() for timed in rounds],
        "real_frames_per_second": spread(rates),
        "ours_is_faster_by": spread(ahead),
        "padding_efficiency": real / computed,
        "needed_flops_per_second": median(rates) * flops,
        "share_of_sgemm": median(rates) * flops / sgemm,
    }


def _rate(timed: Timed) -> float:
    return timed.frames / timed.seconds
