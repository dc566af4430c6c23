"""A trained model to keep and to share: a folder that needs nothing else.

    model.json               what it classifies, how, and where it comes from
    parameters.safetensors   its parameters and the scaler, float32
    README.md                the model card, written from the first; yours to edit
    SHA256SUMS               the digests of the first two

`sha256sum -c SHA256SUMS` checks it as well. Digests notice damage; they do not say who
made a model. Nothing in it is run: a part that is not built in has to be named by
whoever loads it. jax is imported when parameters are read or written, not before.
"""

import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import vladser
from vladser import files, registry
from vladser.condition import Condition, make, settings, specification
from vladser.data import cutting
from vladser.errors import InputError
from vladser.models import card
from vladser.types import Part, Spec

if TYPE_CHECKING:
    from vladser import model

FORMAT = 1
_MODEL, _PARAMETERS, _CARD = "model.json", "parameters.safetensors", "README.md"
# The parts that a model builds.
BUILT = ("pieces", "encoder", "aggregator", "head", "objective", "readout")


class Description(NamedTuple):
    """The content of model.json."""

    emotions: tuple[str, ...]  # the classes, in the order of the probabilities
    feature_set: str  # what the D inputs are, with the version of their source
    features: int  # D
    condition: Condition  # the settings of its training
    about: dict[str, Any]  # what the model card says beside this, see `card.write`


@dataclass(frozen=True)
class Bundle:
    """Everything that classifying needs; see `Description`."""

    emotions: tuple[str, ...]
    feature_set: str
    condition: Condition
    mean: np.ndarray  # [D] float32 of the training frames, see `dataset.scaler`
    scale: np.ndarray  # [D] likewise
    params: "model.Params"  # see `model.init`
    about: dict[str, Any]
    fitted: dict[str, np.ndarray] = field(default_factory=dict)  # of the readout

    @property
    def spec(self) -> Spec:
        """What its program depends on."""
        return _specification(self.condition, len(self.mean), len(self.emotions))


def _specification(condition: Condition, features: int, emotions: int) -> Spec:
    classes = cutting.classes(condition.pieces, emotions)
    return specification(condition, features, classes)


def save(bundle: Bundle, folder: Path) -> None:
    """Writes a bundle; the folder is there whole or not at all.

    Raises:
      InputError: the folder is there already, or cannot be written.
    """
    from vladser.models import parameters  # imports jax

    description = {
        "format": FORMAT,
        "vladser": vladser.__version__,
        "emotions": list(bundle.emotions),
        "feature_set": bundle.feature_set,
        "features": len(bundle.mean),
        "condition": settings(bundle.condition),
        "about": bundle.about,
    }
    contents = {
        _MODEL: json.dumps(description, indent=2, ensure_ascii=False).encode() + b"\n",
        _PARAMETERS: parameters.write(
            bundle.mean, bundle.scale, bundle.params, bundle.fitted
        ),
        _CARD: card.write(description).encode(),
    }
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        if folder.exists():
            raise InputError(f"{folder} is there already: name another folder")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
        unfinished.mkdir(parents=True)
        for name, data in contents.items():
            (unfinished / name).write_bytes(data)
        files.write_sums(unfinished, (_MODEL, _PARAMETERS))
        unfinished.rename(folder)
    except OSError as error:
        raise files.unwritable(folder, error) from None


def load(folder: Path, own: Collection[Part] = ()) -> Bundle:
    """Reads a bundle.

    Args:
      folder: of the bundle.
      own: the parts of the bundle that are not built in, to say that you trust their
        code, which will be imported.

    Raises:
      InputError: no bundle, one of another format, one that is damaged or was changed,
        or one with a part that is neither built in nor `own`.
    """
    return read_parameters(folder, describe(folder, own))


def read_parameters(folder: Path, description: Description) -> Bundle:
    """Returns the bundle of which `describe` gave the description; raises InputError
    where the parameters are not those of such a model."""
    from vladser.models import parameters  # imports jax

    emotions, feature_set, features, condition, about = description
    spec = _specification(condition, features, len(emotions))
    with _naming(folder / _PARAMETERS) as file:
        readout = registry.readouts.build(condition.readout), len(emotions)
        mean, scale, params, fitted = parameters.read(file.read_bytes(), spec, *readout)
    known = emotions, feature_set, condition
    return Bundle(*known, mean, scale, params, about, fitted)


def describe(folder: Path, own: Collection[Part] = ()) -> Description:
    """Reads what `load` does, except the parameters: only their digest is checked."""
    content = _parsed(folder)  # first: another format may have other files
    files.check_sums(folder, (_MODEL, _PARAMETERS))
    with _naming(folder / _MODEL):
        for name, (expected, fits) in _FIELDS.items():
            if not fits(got := content.get(name)):
                raise InputError(f"{name}: expected {expected}, got {got!r:.60}")
        condition = make(**content["condition"])
    parts = {kind: getattr(condition, kind) for kind in BUILT}
    for kind, part in parts.items():
        if "." in part.name and part not in own:
            raise InputError(
                f"{folder}: its {kind} {part} is code from elsewhere; if you trust "
                f"that, say --{kind}={part}"
            )
    for part in own:
        if part not in parts.values():
            raise InputError(f"{folder} has no part {part}")
    fields = {name: content[name] for name in _FIELDS}
    fields |= {"emotions": tuple(content["emotions"]), "condition": condition}
    return Description(**fields)


def _parsed(folder: Path) -> dict[str, Any]:
    """Returns the content of model.json, of a known format."""
    file, inside = folder / _MODEL, folder / "model"
    try:
        content = json.loads(file.read_bytes())
        form = content["format"]
    except FileNotFoundError:
        hint = f": did you mean {inside}?" if (inside / _MODEL).is_file() else ""
        raise InputError(f"{folder} is no model, it has no {_MODEL}{hint}") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{file}: damaged: not the description of a model") from None
    if form != FORMAT:
        reader = f"vladser {vladser.__version__}"
        raise InputError(f"{file}: {reader} reads format {FORMAT}, got {form!r:.20}")
    return content


def _are_names(names: Any) -> bool:
    """Returns whether these are names that can be printed: a stranger wrote them."""
    return (
        isinstance(names, list)
        and all(isinstance(n, str) and n.isprintable() and n.strip() for n in names)
        and len(set(names)) == len(names) > 1
    )


_SOURCE = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
# The fields of model.json: what is expected, and whether a value is that.
_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "emotions": ("two names or more", _are_names),
    "feature_set": ("a name", lambda x: isinstance(x, str) and _SOURCE.fullmatch(x)),
    "features": ("a count", lambda x: type(x) is int and x > 0),
    "condition": ("an object", lambda x: isinstance(x, dict)),
    "about": ("an object", lambda x: isinstance(x, dict)),
}


@contextmanager
def _naming(file: Path) -> Iterator[Path]:
    try:
        yield file
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
