"""Whether a peer trains the same model: loss and gradients against ours."""

from dataclasses import replace

import jax
import numpy as np

from launch.benchmarking import contestant, corpora, workloads
from launch.benchmarking.contestant import Contestant
from vladser import model

# In the l2 norm, of the loss and of each gradient. All compute in float32, and differ
# in the order of sums over some hundred frames and in how exp and tanh are rounded:
# relative errors of 1e-7 to 1e-5.
TOLERANCE = 1e-4


def check(name: str) -> float:
    """The largest of a peer's relative errors.

    Raises:
      ModuleNotFoundError: its library is not installed.
    """
    found = errors(contestant.load(name), contestant.load("ours"))
    return float(np.max([*found.values()]))  # NaN if one of them is


def errors(peer: type[Contestant], ours: type[Contestant]) -> dict[str, float]:
    """Relative errors of a peer's loss and gradients, by name."""
    problem = _workload()
    params = _params(problem)
    # Rows of different lengths, the longest not the first, and an empty one.
    rows = np.append(problem.plan.folds[0].train, -1).astype(np.int32)
    found = peer(problem).gradients(params, rows)
    right = ours(problem).gradients(params, rows)
    pairs = zip(jax.tree.leaves_with_path(right), jax.tree.leaves(found), strict=True)
    return {
        jax.tree_util.keystr(path[1:], simple=True, separator=".") or "loss": float(
            np.linalg.norm(np.subtract(value, expected)) / np.linalg.norm(expected)
        )
        for (path, expected), value in pairs
    }


def _workload() -> workloads.Workload:
    """40 short utterances, 20 of them to train on, without noise and dropout."""
    counts = {"f": (5, 5, 5, 5), "m": (5, 5, 5, 5)}
    lengths = np.random.default_rng(0).integers(5, 61, 40)
    condition = replace(workloads.CONDITION, noise=0.0, dropout=0.0)
    corpus = corpora.noise(counts, lengths)
    return workloads.make("agreement", corpus, 1, 1, 1, condition)


def _params(problem: workloads.Workload) -> model.Params:
    """Weights none of which is 0, so that each has a place of its own to go to."""
    init = jax.jit(model.init, static_argnums=1)
    params = jax.device_get(init(jax.random.key(0), problem.spec))
    draw = np.random.default_rng(0)
    return jax.tree.map(
        lambda x: x + draw.normal(0, 0.1, x.shape).astype(np.float32), params
    )
