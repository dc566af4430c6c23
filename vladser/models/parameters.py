"""parameters.safetensors: the arrays of a model by their names."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from vladser import model
from vladser.contracts import Readout
from vladser.errors import InputError
from vladser.types import Array, Spec

# The names that the parts had before they could be chosen.
_BEFORE = re.compile(r"^params\.(lstm\b|(?=(?:kernel|bias)$))")
_NOW = {"lstm": "params.encoder", "": "params.head."}


_FITTED = "readout."


def write(
    mean: Array, scale: Array, params: model.Params, fitted: Mapping[str, Array]
) -> bytes:
    """Returns the content of the file, with names as in `params.encoder.bias`; `fitted`
    is of the readout."""
    named = _named({"mean": mean, "scale": scale, "params": params})
    named |= {f"{_FITTED}{name}": array for name, array in fitted.items()}
    return safetensors.save({k: np.asarray(v, order="C") for k, v in named.items()})


def read(
    content: bytes, spec: Spec, readout: Readout, classes: int
) -> tuple[np.ndarray, np.ndarray, model.Params, dict[str, np.ndarray]]:
    """Returns mean, scale, the parameters, and those of the readout.

    Args:
      content: of the file.
      spec: of the model.
      readout: of the model, to one of `classes`.

    Raises:
      InputError: they are not those of a model of this kind.
    """
    try:
        arrays = safetensors.load(content)
    except (SafetensorError, KeyError) as error:  # of a type that numpy lacks
        raise InputError(f"expected safetensors of float32: {error}") from None
    fitted = {
        name.removeprefix(_FITTED): arrays.pop(name)
        for name in [*arrays]
        if readout.fit and name.startswith(_FITTED)
    }
    if readout.scores:
        _require(fitted, readout, model.sizes(spec)[1], spec.classes, classes)
    arrays = {
        _BEFORE.sub(lambda m: _NOW[m[1]], name): array for name, array in arrays.items()
    }
    vector = jax.ShapeDtypeStruct((spec.dim,), np.float32)
    try:
        params = jax.eval_shape(lambda key: model.init(key, spec), jax.random.key(0))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"no parameters fit the model: {error}") from None
    tree = {"mean": vector, "scale": vector, "params": params}
    expected = _named(tree)
    for name in expected | arrays:
        shape = getattr(expected.get(name), "shape", None)
        got = getattr(arrays.get(name), "shape", None)
        if shape != got:
            raise InputError(f"{name}: expected shape {shape}, got {got}")
        if arrays[name].dtype != np.float32 or not np.isfinite(arrays[name]).all():
            raise InputError(f"{name}: expected finite float32 numbers")
    leaves = [arrays[name] for name in expected]
    read = jax.tree.unflatten(jax.tree.structure(tree), leaves)
    return read["mean"], read["scale"], read["params"], fitted


def _require(
    fitted: dict[str, np.ndarray],
    readout: Readout,
    size: int,
    outputs: int,
    classes: int,
) -> None:
    """Raises InputError where a readout of representations [size] or probabilities
    [outputs] cannot use its parameters."""
    for name, array in fitted.items():
        if array.dtype != np.float64 or not np.isfinite(array).all():
            raise InputError(f"{_FITTED}{name}: expected finite float64 numbers")
    values = np.zeros((1, size if readout.representations else outputs))
    vectors = readout.describe(values, np.zeros(1, int), 1)
    try:
        shape = readout.scores(fitted, vectors).shape  # type: ignore[misc]
    except (LookupError, ValueError, TypeError) as error:
        raise InputError(f"no parameters of the readout: {error}") from None
    if shape != (1, classes):
        raise InputError(f"the readout: expected {classes} scores, got {shape[-1]}")


def _named(tree: Any) -> dict[str, Any]:
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {
        ".".join(re.findall(r"\w+", jax.tree_util.keystr(path))): leaf
        for path, leaf in leaves
    }
