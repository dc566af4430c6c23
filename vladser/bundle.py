"""A trained model to keep and to share: a folder that needs nothing else.

    model.json               what it classifies, how, and what is known of it
    parameters.safetensors   its parameters and the scaler, float32
    README.md                the model card, written from these; yours to edit
    SHA256SUMS               the digests of the first two

`sha256sum -c SHA256SUMS` checks it as well. Digests notice damage; they do not say who
wrote a model. Nothing in it is run: a pooling that is not built in has to be named by
whoever loads it.
"""

import hashlib
import json
import math
import re
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

import vladser
from vladser import aggregators, card, model
from vladser.errors import InputError
from vladser.types import Condition, Pooling, Spec

FORMAT = 1
MODEL, PARAMETERS, CARD, SUMS = (
    "model.json",
    "parameters.safetensors",
    "README.md",
    "SHA256SUMS",
)


@dataclass(frozen=True)
class Bundle:
    """Everything that classifying needs.

    Attributes:
      emotions: the classes, in the order of the probabilities.
      feature_set: what the D inputs are, with the version of their source.
      condition: the settings of its training.
      mean, scale: [D] float32 of the frames it was trained on, see `dataset.scaler`.
      params: of the model, see `model.init`.
      about: what the model card says beside this, see `card.write`.
    """

    emotions: tuple[str, ...]
    feature_set: str
    condition: Condition
    mean: np.ndarray
    scale: np.ndarray
    params: model.Params
    about: dict[str, Any]

    @property
    def spec(self) -> Spec:
        """What its program depends on."""
        return Spec(
            pooling=self.condition.pooling,
            features=len(self.mean),
            classes=len(self.emotions),
            cells=self.condition.cells,
        )


def save(bundle: Bundle, folder: Path) -> None:
    """Writes a bundle; the folder is there whole or not at all.

    Raises:
      InputError: the folder is there already, or cannot be written.
    """
    said = {
        "format": FORMAT,
        "vladser": vladser.__version__,
        "emotions": list(bundle.emotions),
        "feature_set": bundle.feature_set,
        "features": len(bundle.mean),
        "condition": _settings(bundle.condition),
        "about": bundle.about,
    }
    content = {
        MODEL: json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n",
        PARAMETERS: safetensors.save(_arrays(bundle)),
    }
    sums = (f"{hashlib.sha256(data).hexdigest()}  {n}\n" for n, data in content.items())
    content[SUMS] = "".join(sums).encode()
    content[CARD] = card.write(said).encode()
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        if folder.exists():
            raise InputError(f"{folder} is there already: name another folder")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
        unfinished.mkdir(parents=True)
        for name, data in content.items():
            (unfinished / name).write_bytes(data)
        unfinished.rename(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None


def load(folder: Path, own: Pooling | None = None) -> Bundle:
    """Reads a bundle.

    Args:
      own: where the bundle's pooling is not built in, the same one, to say that you
        trust its code, which will be imported.

    Raises:
      InputError: no bundle, one of another format, one that is damaged or was changed,
        or one whose pooling is neither built in nor `own`.
    """
    said = _read_json(folder)
    _check_digests(folder)
    where = folder / MODEL
    try:
        emotions, feature_set, about = (
            said["emotions"],
            said["feature_set"],
            said["about"],
        )
        features = said["features"]
        if not (
            isinstance(emotions, list)
            and len(emotions) > 1
            and all(isinstance(name, str) for name in emotions)
            and isinstance(feature_set, str)
            and isinstance(about, dict)
            and type(features) is int
            and features > 0
        ):
            raise InputError("not the fields of a model")
        condition = _condition(said["condition"])
        if "." in condition.pooling.name and condition.pooling != own:
            raise InputError(
                f"its pooling {condition.pooling} is code from elsewhere: name it as "
                "well if you trust that code (--aggregator)"
            )
        spec = Spec(condition.pooling, features, len(emotions), condition.cells)
        mean, scale, params = _parameters(folder / PARAMETERS, spec)
    except KeyError as error:
        raise InputError(f"{where}: lacks {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Bundle(tuple(emotions), feature_set, condition, mean, scale, params, about)


def _read_json(folder: Path) -> dict[str, Any]:
    """What model.json says, of a format that is known."""
    path = folder / MODEL
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = said["format"]
    except FileNotFoundError:
        inside = folder / "model"
        hint = f"; did you mean {inside}?" if (inside / MODEL).is_file() else ""
        raise InputError(f"{folder} holds no model ({MODEL}){hint}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path} is damaged, or no model of vladser") from None
    if known != FORMAT:
        raise InputError(
            f"{path} has format {known!r:.20}: vladser {vladser.__version__} reads "
            f"format {FORMAT}"
        )
    return said


def _check_digests(folder: Path) -> None:
    try:
        said = (folder / SUMS).read_text(encoding="ascii")
        for name in (MODEL, PARAMETERS):
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            if f"{digest}  {name}\n" not in said:
                raise InputError(
                    f"{folder / name} is not as {SUMS} says: damaged or changed"
                )
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise InputError(f"{folder / SUMS} is damaged") from None


def _settings(condition: Condition) -> dict[str, Any]:
    settings = asdict(condition) | {"aggregator": str(condition.pooling)}
    del settings["pooling"]
    return settings


def _condition(said: dict[str, Any]) -> Condition:
    given = dict(said)
    found = {"pooling": aggregators.parse(str(given.pop("aggregator")))}
    for field in fields(Condition)[1:]:
        value, kind = given.pop(field.name), type(field.default)
        fits = isinstance(value, kind) or (kind is float and type(value) is int)
        if not fits or isinstance(value, bool) or _negative(value):
            raise InputError(f"condition: {field.name} is {value!r:.40}")
        found[field.name] = kind(value)
    if given:
        raise InputError(f"condition: {next(iter(given))!r:.40} is unknown")
    return Condition(**found)


def _negative(value: Any) -> bool:
    return not isinstance(value, str) and not 0 <= value < math.inf


def _arrays(bundle: Bundle) -> dict[str, np.ndarray]:
    """Every array of a bundle by its name, say `params.lstm.bias`."""
    tree = {"mean": bundle.mean, "scale": bundle.scale, "params": bundle.params}
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {_name(path): np.ascontiguousarray(leaf) for path, leaf in leaves}


def _parameters(path: Path, spec: Spec) -> tuple[np.ndarray, np.ndarray, model.Params]:
    """Mean, scale and the parameters that such a model has."""
    try:
        arrays = safetensors.load(path.read_bytes())
    except SafetensorError:
        raise InputError(f"{PARAMETERS} is no safetensors file") from None
    vector = jax.ShapeDtypeStruct((spec.features,), np.float32)
    params = jax.eval_shape(lambda key: model.init(key, spec), jax.random.key(0))
    tree = {"mean": vector, "scale": vector, "params": params}
    leaves, structure = jax.tree.flatten_with_path(tree)
    shapes = {_name(path): leaf.shape for path, leaf in leaves}
    for name in shapes | arrays:
        found = arrays.get(name)
        if found is None or found.shape != shapes.get(name):
            has = "none" if found is None else f"{list(found.shape)}"
            right = list(shapes[name]) if name in shapes else "none"
            raise InputError(f"{PARAMETERS}: {name} has shape {has}, not {right}")
        if found.dtype != np.float32 or not np.isfinite(found).all():
            raise InputError(f"{PARAMETERS}: {name} is not of finite float32 numbers")
    found = jax.tree.unflatten(structure, [arrays[name] for name in shapes])
    return found["mean"], found["scale"], found["params"]


def _name(path: tuple) -> str:
    return ".".join(re.findall(r"\w+", jax.tree_util.keystr(path)))
