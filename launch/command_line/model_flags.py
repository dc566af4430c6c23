"""The flags that name a trained model, alike in every program that takes one."""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.command_line.parsers import flag, path
from vladser import registry
from vladser.errors import InputError
from vladser.models import bundle
from vladser.models.description import Description
from vladser.types import Part

_OWN = "The model's, where that is none of vladser's: code that you trust."


@dataclass(frozen=True)
class ModelFlags:
    """A field a flag; a program's own settings inherit them."""

    model: Path = flag(
        "Model", None, path, "The folder of a model that launch.main wrote. Required."
    )
    encoder: Part | None = flag("Model", None, registry.encoders.parse, _OWN)
    aggregator: Part | None = flag("Model", None, registry.aggregators.parse, _OWN)
    head: Part | None = flag("Model", None, registry.heads.parse, _OWN)
    objective: Part | None = flag("Model", None, registry.objectives.parse, _OWN)

    @property
    def own(self) -> list[Part]:
        """The parts that are trusted."""
        return _own(vars(self))


def describe(given: Mapping[str, Any]) -> Description:
    """Describes the model that flags name, its parameters unread and jax not imported.

    Args:
      given: the values of the flags above, by their names.

    Raises:
      InputError: no model is named, or there is none, see `bundle.load`.
    """
    if given["model"] is None:
        raise InputError("--model is required: the folder of a trained model")
    return bundle.describe(given["model"], _own(given))


def _own(given: Mapping[str, Any]) -> list[Part]:
    parts = (given[kind] for kind in ("encoder", "aggregator", "head", "objective"))
    return [part for part in parts if part]
