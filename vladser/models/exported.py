"""Compares an exported model, in its own runtime, with its bundle."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import export

from vladser.errors import InputError
from vladser.models import inference
from vladser.models.bundle import Bundle

LIMIT = 1e-5
# The frames of the utterances of each batch, which is padded beyond its longest.
LENGTHS = ((1,), (300,), (2, 1, 31), (450, 7, 128, 1, 64, 33, 999, 5, 250, 16, 90))


def check(content: bytes, form: str, bundle: Bundle) -> str:
    """Classifies random utterances both ways, and returns the worst difference in
    words; raises InputError where the exported model, whose form is "stablehlo" or
    "onnx", does not run or differs from its bundle."""
    draw, worst = np.random.default_rng(0), 0.0
    deviation = 1 / np.where(bundle.scale > 0, bundle.scale, 1)
    try:
        runtime, call = {"stablehlo": _stablehlo, "onnx": _onnx}[form](content)
        for n, lengths in enumerate(LENGTHS):
            shape = (len(lengths), max(lengths) + n, len(bundle.mean))
            features = bundle.mean + deviation * draw.normal(size=shape)
            features = features.astype(np.float32)
            for row, length in enumerate(lengths):
                features[row, length:] = np.nan
            real = [row[:size] for row, size in zip(features, lengths, strict=True)]
            expected = inference.classify(bundle, real)
            probabilities, embedding = call(features, np.array(lengths, np.int32))
            for output, right in zip((embedding, probabilities), expected, strict=True):
                # Relative for the large numbers that a user's pooling may give.
                difference = np.abs(output - right) / np.maximum(1, np.abs(right))
                worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max()))
    except Exception as error:  # whatever a runtime raises
        reason = f"{error}".strip().splitlines() or [type(error).__name__]
        raise InputError(f"the exported model does not run: {reason[-1]}") from error
    if worst > LIMIT:
        raise InputError(
            f"in {runtime} the exported model differs from its bundle by {worst:.0e}, "
            f"more than {LIMIT:.0e}: nothing was written"
        )
    count = sum(map(len, LENGTHS))
    return f"worst difference {worst:.0e} over {count} utterances in {runtime}"


def _stablehlo(content: bytes) -> tuple[str, Callable[..., Any]]:
    return f"jax {jax.__version__}", export.deserialize(bytearray(content)).call


def _onnx(content: bytes) -> tuple[str, Callable[..., Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def call(features: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
        inputs = {"features": features, "lengths": lengths}
        return session.run(["probabilities", "embedding"], inputs)

    return f"onnxruntime {onnxruntime.__version__}", call
