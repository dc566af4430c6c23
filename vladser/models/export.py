"""A trained model as one file that runs without vladser: StableHLO or ONNX.

Both are one function, its parameters inside, for any batch and time of at least 1:

    features [batch, time, D] float32, lengths [batch] int32
      -> probabilities [batch, classes], embedding [batch, V]

The features are as they were extracted: standardization is a part of the function.
Beyond a length they may hold anything, NaN included.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
from jax import export
from jax.extend.core import jaxpr_as_fun

from vladser import model
from vladser.errors import InputError
from vladser.models.bundle import Bundle
from vladser.types import Array

PLATFORMS = ("cpu", "cuda", "tpu")
OPSET = 18  # of ONNX: the oldest that all poolings were tried with


def function(bundle: Bundle) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Returns the function above.

    Raises:
      InputError: more than the network classifies, outside of it.
    """
    pieces, readout = bundle.condition.pieces, bundle.condition.readout
    for part, expected in (pieces, "whole"), (readout, "softmax"):
        if part.name != expected:
            raise InputError(
                f"{part} is no part of the network, which is what a file holds: "
                f"expected a model with {expected}"
            )

    def classify(features, lengths):
        frames = jnp.swapaxes((features - bundle.mean) * bundle.scale, 0, 1)
        mask = jnp.arange(features.shape[1])[:, None] < lengths
        with model.compiled_for("any", bundle.spec):
            embedding, logits = model.forward(bundle.params, bundle.spec, frames, mask)
        return jax.nn.softmax(logits), embedding

    return classify


def stablehlo(bundle: Bundle) -> bytes:
    """Exports for `jax.export.deserialize`, on PLATFORMS.

    Raises:
      InputError: a part of the bundle needs to know the number of frames.
    """
    exporter = export.export(jax.jit(function(bundle)), platforms=PLATFORMS)
    with _converting(bundle, "StableHLO"):
        return bytes(exporter(*_inputs(bundle)).serialize())


def onnx(bundle: Bundle) -> bytes:
    """Exports to ONNX; metadata name the emotions and the feature set.

    Raises:
      InputError: jax2onnx is missing, or cannot convert a part of the bundle.
    """
    try:
        import onnx_ir
        from jax2onnx import to_onnx
        from onnx_ir.passes.common import RemoveUnusedNodesPass
    except ImportError as error:
        install = "pip install 'vladser[onnx]', best in an environment of its own"
        raise InputError(f"ONNX needs jax2onnx: {install} ({error})") from None
    classify, inputs = function(bundle), _inputs(bundle)
    with _converting(bundle, "ONNX"):
        # Traced by jax alone: while jax2onnx traces, some constants become float64.
        traced = jaxpr_as_fun(jax.make_jaxpr(classify)(*inputs))
        converted = to_onnx(
            traced,
            inputs,
            model_name="vladser",
            opset=OPSET,
            input_names=["features", "lengths"],
            output_names=["probabilities", "embedding"],
        )
    graph = onnx_ir.from_proto(converted)
    RemoveUnusedNodesPass()(graph)  # onnxruntime would warn of some constants
    graph.metadata_props["emotions"] = ",".join(bundle.emotions)
    graph.metadata_props["feature_set"] = bundle.feature_set
    return onnx_ir.to_proto(graph).SerializeToString()


def _inputs(bundle: Bundle) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
    batch, time = export.symbolic_shape("batch, time")
    features = jax.ShapeDtypeStruct((batch, time, len(bundle.mean)), jnp.float32)
    return features, jax.ShapeDtypeStruct((batch,), jnp.int32)


@contextmanager
def _converting(bundle: Bundle, form: str) -> Iterator[None]:
    """Raises errors of one line."""
    try:
        yield
    except Exception as error:  # anything: parts and the converter run in here
        reason = (str(error) or "no reason given").splitlines()[0]
        spec = bundle.spec
        raise InputError(
            f"one of {spec.encoder}, {spec.aggregator} and {spec.head} cannot be "
            f"exported to {form}: {type(error).__name__}: {reason}"
        ) from error
