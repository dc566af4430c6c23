"""What an accelerator does with vladser's programs: all that only a device can say.

Each function measures one thing and yields rows of one table.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from launch.benchmarking import contest, lstm_alone, workloads
from launch.benchmarking.figures import Row, timed
from launch.benchmarking.lstm_alone import DIM, KERNELS
from launch.benchmarking.workloads import Workload
from launch.command_line import backend
from vladser import model
from vladser.condition import make, specification
from vladser.engine import experiment
from vladser.engine.events import Outcome
from vladser.errors import InputError
from vladser.models import inference
from vladser.models.bundle import Bundle
from vladser.text import count
from vladser.types import Dataset

# Of the whole training, and how many conditions they have; 10 are the folds of a seed.
TRAINED = (1, 1), (10, 1), (60, 1), (60, 6)
ROUNDS = 2
FILES = 256  # that are classified
REPEATED = 160  # utterances that two processes train on
PATIENCE = 120  # seconds for a program that is started
PIECE = 2**30  # bytes, as many of which as there are make memory run out


def check() -> None:
    """Raises InputError where there is no accelerator: a CPU would take hours."""
    if jax.default_backend() == "cpu":
        raise InputError("--accelerator measures a GPU or TPU: jax finds none here")


def measure() -> Iterator[Row]:
    """Measures everything, some minutes long; what the device has no memory or no
    program for has no value."""
    for part in PARTS:
        try:
            yield from part()
        except jax.errors.JaxRuntimeError as error:
            yield Row(part.__name__, f"failed: {error}"[:200], [], "")
        except subprocess.TimeoutExpired as error:
            why = f"failed: no end within {error.timeout:.0f} s"
            yield Row(part.__name__, why, [], "")


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
                yield Row(what, name, [1e3 / steps * x for x in times], "ms/step")
                one = median(times) if name == "torch_padded" else one
            if one:
                ours = [of["seconds"] / one for of in found["contestants"][0]["rounds"]]
                yield Row(what, kernel, ours, "times one model in PyTorch")


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
    design = replace(plan.design, datasets=datasets, conditions=several)
    return replace(plan, design=design)


def repetition() -> Iterator[Row]:
    """Yields whether two processes train the same model to the bit."""
    for way, flags in ("by default", ""), ("--deterministic", backend.DETERMINISTIC):
        given = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        code = f"from {__name__} import digest; print(digest({REPEATED}))"
        command = [sys.executable, "-c", code]
        found = [_run(command, XLA_FLAGS=given).stdout.split()[-1:] for _ in range(2)]
        same = found[0] == found[1] != []
        yield Row("two processes give the same bits", way, [float(same)], "1 is yes")


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
    seconds = timed(lambda: inference.classify(bundle, features))
    rates = [FILES / one for one in seconds]
    yield Row("classifying files of IEMOCAP's lengths", "", rates, "files/s")


def shortage() -> Iterator[Row]:
    """Yields how often an experiment that another program, this one, leaves too little
    memory is halved, and how it ends."""
    held = []
    with suppress(jax.errors.JaxRuntimeError):
        while True:
            held.append(jax.block_until_ready(jnp.ones(PIECE, jnp.uint8)))
    with tempfile.TemporaryDirectory() as folder:
        done = _run([sys.executable, "-m", "launch.main", *_corpus(Path(folder))])
    held.clear()
    halved = done.stderr.count("going on with half as many")
    yield Row("memory that runs out", "trials at once were halved", [halved], "times")
    yield Row("memory that runs out", "exit status", [done.returncode], "0 is well")


PARTS = (
    lstm_alone.agreement,
    lstm_alone.layer,
    training,
    repetition,
    classifying,
    shortage,
)


def _run(command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    variables |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return subprocess.run(
        command,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


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
