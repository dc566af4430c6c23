"""parameters.safetensors: the arrays of a model by their names."""

import re
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from vladser import model
from vladser.errors import InputError
from vladser.types import Array, Spec

# The names that the parts had before they could be chosen.
_BEFORE = re.compile(r"^params\.(lstm\b|(?=(?:kernel|bias)$))")


def write(mean: Array, scale: Array, params: model.Params) -> bytes:
    """The content of the file; names are as in `params.lstm.bias`."""
    named = _named({"mean": mean, "scale": scale, "params": params})
    return safetensors.save({k: np.asarray(v, order="C") for k, v in named.items()})


def read(content: bytes, spec: Spec) -> tuple[np.ndarray, np.ndarray, model.Params]:
    """Mean, scale and the parameters.

    Raises:
      InputError: they are not those of a model of this kind.
    """
    try:
        arrays = safetensors.load(content)
    except KeyError as error:  # of a kind that numpy has not
        raise InputError(f"numbers of {error}: should be float32") from None
    except SafetensorError:
        raise InputError("not a file of safetensors") from None
    arrays = {_BEFORE.sub(_now, name): array for name, array in arrays.items()}
    vector = jax.ShapeDtypeStruct((spec.dim,), np.float32)
    try:
        params = jax.eval_shape(lambda key: model.init(key, spec), jax.random.key(0))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"no parameters fit the model: {error}") from None
    tree = {"mean": vector, "scale": vector, "params": params}
    wanted = _named(tree)
    for name in wanted | arrays:
        has = arrays[name].shape if name in arrays else "none"
        right = wanted[name].shape if name in wanted else "none"
        if has != right:
            raise InputError(f"{name} has shape {has}: should be {right}")
        if arrays[name].dtype != np.float32 or not np.isfinite(arrays[name]).all():
            raise InputError(f"{name}: should be finite numbers of float32")
    leaves = [arrays[name] for name in wanted]
    found = jax.tree.unflatten(jax.tree.structure(tree), leaves)
    return found["mean"], found["scale"], found["params"]


def _now(before: re.Match) -> str:
    return "params.encoder" if before[1] else "params.head."


def _named(tree: Any) -> dict[str, Any]:
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {
        ".".join(re.findall(r"\w+", jax.tree_util.keystr(path))): leaf
        for path, leaf in leaves
    }
