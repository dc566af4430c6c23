"""What an accelerator does with vladser's programs: all that only a device can say.

Each function measures one thing and yields rows of one table.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from launch.benchmarking import contest, workloads
from launch.benchmarking.workloads import Workload
from launch.command_line import backend
from vladser import model
from vladser.condition import make, specification
from vladser.encoders import lstm
from vladser.engine import experiment
from vladser.engine.events import Outcome
from vladser.kernels import lstm as loops
from vladser.models import inference
from vladser.models.bundle import Bundle
from vladser.text import NONE, count, table
from vladser.types import Dataset

KERNELS: tuple[Literal["fused", "scan"], ...] = "fused", "scan"
# A minibatch of IEMOCAP: its rows, the longest of them on average, and their features.
BATCH, FRAMES, DIM, CELLS = 32, 448, 147, 64
LAYERS = 1, 10, 60, 120  # trials of the LSTM alone
# Of the whole training, and how many conditions they have; 10 are the folds of a seed.
TRAINED = (1, 1), (10, 1), (60, 1), (60, 6)
REPEATS, ROUNDS = 7, 2
FILES = 256  # that are classified
REPEATED = 160  # utterances that two processes train on
PATIENCE = 120  # seconds for a program that is started
PIECE = 2**30  # bytes, as many of which as there are make memory run out


class _Late(Exception):
    """A program took more than PATIENCE."""


class Row(NamedTuple):
    """A figure: of what, in which way, how much, in which unit."""

    what: str
    way: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None


def measure() -> Iterator[Row]:
    """Measures everything, some minutes long; what the device has no memory or no
    program for has no value."""
    for part in PARTS:
        try:
            yield from part()
        except (jax.errors.JaxRuntimeError, _Late) as error:
            yield Row(part.__name__, f"failed: {error}"[:200], None, "")


def agreement() -> Iterator[Row]:
    """Yields the relative l2 errors of an LSTM's outputs and gradients of both kernels,
    against the scan in float32."""
    params, frames, weights = _layer(2)
    expected = _gradient("scan", "highest")(params, frames, weights)
    for precision in "highest", "default":
        for kernel in KERNELS:
            found = _gradient(kernel, precision)(params, frames, weights)
            yield Row(
                "LSTM against the scan in float32",
                f"{kernel}, precision {precision}",
                max(map(_error, *map(jax.tree.leaves, (found, expected)))),
                "relative error",
            )


def layer() -> Iterator[Row]:
    """Yields what a frame takes in one LSTM, forward and gradient of its weights."""
    what, unit = "LSTM forward and gradient, {} trials", "us/frame"
    for trials in LAYERS:
        arguments = _layer(trials)
        for kernel in KERNELS:
            seconds = _timed(_gradient(kernel), *arguments)
            yield _spread(what.format(trials), kernel, seconds, 1e6 / FRAMES, unit)
        seconds = _timed(_linen(trials), *arguments[1:])
        yield _spread(what.format(trials), "flax", seconds, 1e6 / FRAMES, unit)
    for graph in False, True:
        seconds = _cudnn(graph)
        way = "cuDNN, as a CUDA graph" if graph else "cuDNN"
        if seconds:
            yield _spread(what.format(1), way, seconds, 1e6 / FRAMES, unit)


def training() -> Iterator[Row]:
    """Yields what a step of training takes on noise of the lengths of IEMOCAP, also in
    times of a single model in PyTorch."""
    data, one = workloads.load("iemocap"), None
    for trials, conditions in TRAINED:
        for kernel in KERNELS:
            plan = _plan(data, trials, conditions, kernel)
            peers = ["torch_padded"] if one is None else []
            agreed, _ = contest.agreeing(peers, plan.condition)
            found = contest.measure(plan, ["ours", *agreed], ROUNDS)
            what = f"training, {trials} trials of {count(conditions, 'condition')}"
            for entry in found["contestants"]:
                name = kernel if entry["name"] == "ours" else entry["name"]
                times = [of["seconds"] for of in entry["rounds"]]
                steps = len(plan.rows(1))
                yield _spread(what, name, times, 1e3 / steps, "ms/step")
                one = median(times) if name == "torch_padded" else one
            if one:
                ours = [of["seconds"] / one for of in found["contestants"][0]["rounds"]]
                yield _spread(what, kernel, ours, 1, "times one model in PyTorch")


def _plan(
    data: Dataset, trials: int, conditions: int, kernel: Literal["fused", "scan"]
) -> Workload:
    """Plans folds of as many seeds as the conditions leave."""
    condition = replace(workloads.CONDITION, kernel=kernel)
    plan = workloads.plan("iemocap", data, trials // conditions, ROUNDS + 1, condition)
    several = [
        replace(plan.condition, noise=plan.condition.noise + number / 1000)
        for number in range(conditions)
    ]
    datasets = [data] * conditions
    design = plan.design._replace(datasets=datasets, conditions=several)
    return replace(plan, design=design)


def repetition() -> Iterator[Row]:
    """Yields whether two processes train the same model to the bit."""
    for way, flags in ("by default", ""), ("--deterministic", backend.DETERMINISTIC):
        given = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        code = f"from {__name__} import digest; print(digest({REPEATED}))"
        command = [sys.executable, "-c", code]
        found = [_run(command, XLA_FLAGS=given).stdout.split()[-1:] for _ in range(2)]
        same = found[0] == found[1] != []
        yield Row("two processes give the same bits", way, float(same), "1 is yes")


def digest(utterances: int) -> str:
    """Returns the SHA-256 of what a training predicts."""
    data = workloads.noise(workloads.lognormal(utterances, 200, 0.5, 600))
    design = workloads.plan("digest", data, 10, 2).design
    outcome = [event for event in experiment.run(design) if isinstance(event, Outcome)]
    found = b"".join(x.tobytes() for x in outcome[0].results.probabilities)
    return hashlib.sha256(found).hexdigest()


def classifying() -> Iterator[Row]:
    """Yields how many files a trained model classifies, from their features on."""
    condition = make(aggregator="netvlad")
    spec = specification(condition, DIM, 4)
    params = jax.device_get(model.init(jax.random.key(0), spec))
    scaler = np.zeros(DIM, np.float32), np.ones(DIM, np.float32)
    bundle = Bundle(tuple("abcd"), "noise", condition, *scaler, params, {})
    draw, lengths = np.random.default_rng(0), workloads.lognormal(FILES, 360, 0.7, 3410)
    features = [draw.standard_normal((n, DIM), np.float32) for n in lengths]
    seconds = _timed(lambda: inference.classify(bundle, features))
    rates = [FILES / one for one in seconds]
    yield _spread("classifying files of IEMOCAP's lengths", "", rates, 1, "files/s")


def shortage() -> Iterator[Row]:
    """Yields how often an experiment that another program, this one, leaves too little
    memory is halved, and how it ends."""
    if jax.default_backend() == "cpu":  # its memory is the machine's
        return
    held = []
    with suppress(jax.errors.JaxRuntimeError):
        while True:
            held.append(jax.block_until_ready(jnp.ones(PIECE, jnp.uint8)))
    with tempfile.TemporaryDirectory() as folder:
        done = _run([sys.executable, "-m", "launch.main", *_corpus(Path(folder))])
    held.clear()
    halved = done.stderr.count("going on with half as many")
    yield Row("memory that runs out", "trials at once were halved", halved, "times")
    yield Row("memory that runs out", "exit status", done.returncode, "0 is well")


PARTS = agreement, layer, training, repetition, classifying, shortage


def shown(rows: Sequence[Row]) -> str:
    """Returns the figures as Markdown."""
    columns = "what", "way", "median", "low-high", "unit"
    cells = [
        (
            *(row.what, row.way, NONE if row.value is None else f"{row.value:.3g}"),
            "" if row.low is None else f"{row.low:.3g}-{row.high:.3g}",
            row.unit,
        )
        for row in rows
    ]
    return table(columns, cells, {0, 1, 4}, markdown=True)


def _layer(trials: int) -> tuple[lstm.Params, jax.Array, jax.Array]:
    """Returns parameters, frames, and what weighs the outputs."""
    keys = jax.random.split(jax.random.key(0), trials)
    params = jax.vmap(lambda key: lstm.init(key, DIM, CELLS))(keys)
    frames = jax.random.normal(keys[0], (trials, FRAMES, BATCH, DIM))
    return params, frames, jax.random.normal(keys[0], (FRAMES, BATCH, CELLS))


def _gradient(kernel: str, precision: str = "default") -> Callable:
    platform = jax.default_backend()

    def of_trial(params, frames, weights):
        def loss(params):
            mask = jnp.ones(frames.shape[:2], bool)
            carry = lstm.start(params, BATCH)
            return (lstm.unroll(params, carry, frames, mask)[0] * weights).sum()

        return jax.value_and_grad(loss)(params)

    @jax.jit
    def gradient(params, frames, weights):
        with jax.default_matmul_precision(precision), loops.chosen(kernel, platform):
            return jax.vmap(of_trial, (0, 0, None))(params, frames, weights)

    return gradient


def _linen(trials: int) -> Callable:
    rnn = nn.RNN(nn.OptimizedLSTMCell(CELLS), time_major=True)
    keys = jax.random.split(jax.random.key(0), trials)
    one = jnp.zeros((FRAMES, BATCH, DIM))
    params = jax.vmap(lambda key: rnn.init(key, one))(keys)

    def of_trial(params, frames, weights):
        return jax.grad(lambda p: (rnn.apply(p, frames) * weights).sum())(params)

    gradient = jax.jit(jax.vmap(of_trial, (0, 0, None)))
    return lambda frames, weights: gradient(params, frames, weights)


def _cudnn(graph: bool) -> list[float]:
    """Returns the seconds of PyTorch's LSTM; none without PyTorch and a GPU for it."""
    try:
        import torch
    except ModuleNotFoundError:
        return []
    if not torch.cuda.is_available():
        return []
    torch.backends.cudnn.allow_tf32 = True  # as jax does by default
    rnn = torch.nn.LSTM(DIM, CELLS).cuda()
    frames = torch.randn(FRAMES, BATCH, DIM, device="cuda")
    weights = torch.randn(FRAMES, BATCH, CELLS, device="cuda")

    def gradient():
        (rnn(frames)[0] * weights).sum().backward()

    run = gradient
    if graph:
        with torch.cuda.stream(torch.cuda.Stream()):  # to warm up, as capturing asks
            gradient()
        torch.cuda.synchronize()
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            gradient()
        run = captured.replay

    def once():
        run()
        torch.cuda.synchronize()

    return _timed(once)


def _timed(function: Callable, *arguments: Any) -> list[float]:
    """Returns the seconds of each call, after two to compile and warm up."""
    seconds = []
    for _ in range(REPEATS + 2):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - begin)
    return seconds[2:]


def _spread(
    what: str, way: str, values: Sequence[float], factor: float, unit: str
) -> Row:
    low, middle, high = (f(values) * factor for f in (min, median, max))
    return Row(what, way, middle, unit, low, high)


def _error(found: jax.Array, expected: jax.Array) -> float:
    difference = jnp.linalg.norm((found - expected).ravel())
    return float(difference / jnp.linalg.norm(expected.ravel()))


def _run(command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    variables |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        return subprocess.run(
            command,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise _Late(f"no end within {error.timeout:.0f} s") from None


def _corpus(folder: Path) -> list[str]:
    """Writes a corpus whose 60 trainings take 8 GiB; returns the flags."""
    draw, lines = np.random.default_rng(0), ["file,speaker,emotion"]
    for number in range(80):
        file = folder / f"{number}.npy"
        np.save(file, draw.standard_normal((2000, 40), np.float32))
        emotion = ("angry", "happy", "sad", "neutral")[number // 10 % 4]
        lines.append(f"{file.name},{number % 10},{emotion}")
    manifest = folder / "corpus.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    flags = {
        **{"corpus": "manifest", "data_dir": manifest, "features": "npy", "seeds": 6},
        **{"epochs": 1, "run_dir": folder / "run", "cache_dir": folder / "cache"},
    }
    return [f"--{name}={value}" for name, value in flags.items()]
