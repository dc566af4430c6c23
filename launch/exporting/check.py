"""Compares an exported model, run in a process of its own, with its bundle."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import jax
import numpy as np

from vladser.errors import InputError
from vladser.models import inference
from vladser.models.bundle import Bundle

LIMIT = 1e-5
# Frames of the utterances of each batch; every batch is longer than its longest.
LENGTHS = ((1,), (300,), (2, 1, 31), (450, 7, 128, 1, 64, 33, 999, 5, 250, 16, 90))
_ALONE = Path(__file__).with_name("alone.py")


class Checked(NamedTuple):
    """What a check found."""

    worst: float  # difference of a probability or of the embedding
    utterances: int
    runtime: str  # its name and version


def run(content: bytes, form: str, bundle: Bundle) -> Checked:
    """Classifies made-up utterances both ways.

    Args:
      content: the exported model; form: "stablehlo" or "onnx".

    Raises:
      InputError: it does not run, or gives something else than the bundle.
    """
    draw, expected = np.random.default_rng(0), []
    inputs: dict[str, np.ndarray] = {}
    deviation = 1 / np.where(bundle.scale > 0, bundle.scale, 1)
    for n, lengths in enumerate(LENGTHS):
        shape = (len(lengths), max(lengths) + n, len(bundle.mean))
        features = bundle.mean + deviation * draw.normal(size=shape)
        features = features.astype(np.float32)
        for row, length in enumerate(lengths):
            features[row, length:] = np.nan
        inputs |= {f"features{n}": features, f"lengths{n}": np.array(lengths, np.int32)}
        real = [row[:length] for row, length in zip(features, lengths, strict=True)]
        with jax.default_matmul_precision("highest"):
            expected.append(inference.classify(bundle, real))
    found, worst = _alone(content, form, inputs), 0.0
    for n, ours in enumerate(expected):
        for name in ("probabilities", "embedding"):
            theirs, right = found[f"{name}{n}"], getattr(ours, name)
            if theirs.shape != right.shape:
                raise InputError(f"{name} has shape {theirs.shape}, not {right.shape}")
            # Large numbers, which a pooling of one's own may give, to as many digits.
            difference = np.abs(theirs - right) / np.maximum(1, np.abs(right))
            worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max()))
    runtime, utterances = str(found["runtime"]), sum(map(len, LENGTHS))
    if worst > LIMIT:
        raise InputError(
            f"in {runtime} the exported model differs from its bundle by {worst:.0e}, "
            f"more than {LIMIT:.0e}: nothing was written"
        )
    return Checked(worst, utterances, runtime)


def _alone(
    content: bytes, form: str, inputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What `alone` gives."""
    with TemporaryDirectory() as folder:
        file, given, found = (
            Path(folder) / name for name in ("model", "in", "out.npz")
        )
        file.write_bytes(content)
        with given.open("wb") as opened:
            np.savez(opened, **inputs)  # type: ignore[arg-type]  # none is its flag
        done = subprocess.run(
            [sys.executable, "-P", _ALONE, form, file, given, found],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise InputError(f"the exported model does not run: {reason}")
        with np.load(found, allow_pickle=False) as arrays:
            return dict(arrays)
