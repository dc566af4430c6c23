"""A trained model to keep and to share: a folder that needs nothing else.

    model.json               what it classifies, how, and what is known of it
    parameters.safetensors   its parameters and the scaler, float32
    README.md                the model card, written from the first; yours to edit
    SHA256SUMS               the digests of the first two

`sha256sum -c SHA256SUMS` checks it as well. Digests notice damage; they do not say who
made a model. Nothing in it is run: a pooling that is not built in has to be named by
whoever loads it. Not before its parameters are needed is jax imported.
"""

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vladser import files
from vladser.condition import Condition, specification
from vladser.errors import InputError
from vladser.models import card, description
from vladser.models.description import Description
from vladser.types import Part, Spec

if TYPE_CHECKING:
    from vladser import model

_MODEL, _PARAMETERS = "model.json", "parameters.safetensors"
_CODE = ("encoder", "aggregator", "head", "objective")  # what `load` builds
_CARD = "README.md"


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
    params: "model.Params"
    about: dict[str, Any]

    @property
    def spec(self) -> Spec:
        """What its program depends on."""
        return specification(self.condition, len(self.mean), len(self.emotions))


def save(bundle: Bundle, folder: Path) -> None:
    """Writes a bundle; the folder is there whole or not at all.

    Raises:
      InputError: the folder is there already, or cannot be written.
    """
    from vladser.models import parameters  # late, for it imports jax

    said = description.write(
        bundle.emotions,
        bundle.feature_set,
        len(bundle.mean),
        bundle.condition,
        bundle.about,
    )
    content = {
        _MODEL: json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n",
        _PARAMETERS: parameters.write(bundle.mean, bundle.scale, bundle.params),
    }
    content[_CARD] = card.write(said).encode()
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        if folder.exists():
            raise InputError(f"{folder} is there already: name another folder")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
        unfinished.mkdir(parents=True)
        for name, data in content.items():
            (unfinished / name).write_bytes(data)
        files.write_sums(unfinished, (_MODEL, _PARAMETERS))
        unfinished.rename(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None


def load(folder: Path, own: Collection[Part] = ()) -> Bundle:
    """Reads a bundle.

    Args:
      own: the parts of the bundle that are not built in, to say that you trust their
        code, which will be imported.

    Raises:
      InputError: no bundle, one of another format, one that is damaged or was changed,
        or one with a part that is neither built in nor `own`.
    """
    from vladser.models import parameters  # late, for it imports jax

    said, weights = _checked(folder, own)
    spec = specification(said.condition, said.features, len(said.emotions))
    with _naming(folder / _PARAMETERS):
        mean, scale, params = parameters.read(weights, spec)
    return Bundle(
        said.emotions, said.feature_set, said.condition, mean, scale, params, said.about
    )


def describe(folder: Path, own: Collection[Part] = ()) -> Description:
    """What `load` would read, but for the parameters."""
    return _checked(folder, own)[0]


def _checked(folder: Path, own: Collection[Part]) -> tuple[Description, bytes]:
    text = _read(folder, _MODEL)
    with _naming(folder / _MODEL):
        said = description.parse(text)  # first: another format may have other files
    weights = _read(folder, _PARAMETERS)
    _read(folder, files.SUMS)
    files.check_sums(folder, (_MODEL, _PARAMETERS))
    with _naming(folder / _MODEL):
        found = description.read(said)
    for kind in _CODE:
        part = getattr(found.condition, kind)
        if "." in part.name and part not in own:
            raise InputError(
                f"{folder}: its {kind} {part} is code from elsewhere; if you trust "
                f"that, say --{kind}={part}"
            )
    for part in own:
        if part not in (getattr(found.condition, kind) for kind in _CODE):
            raise InputError(f"{folder} has no part {part}")
    return found, weights


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        inside = folder / "model"
        hint = f": did you mean {inside}?" if (inside / name).is_file() else ""
        raise InputError(f"{folder} is no model, it has no {name}{hint}") from None
    except OSError as error:
        raise InputError(f"{folder / name}: {error.strerror}") from None
