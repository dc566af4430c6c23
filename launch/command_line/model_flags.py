"""The flags that name a trained model, the same for every program that takes one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.command_line import fields
from launch.command_line.fields import flag
from vladser import registry
from vladser.models import bundle
from vladser.models.bundle import Bundle, Description
from vladser.types import Part


def _own(kind: str) -> Any:
    text = f"the model's {kind} if it is none of vladser's: code that you trust."
    return flag("Model", None, registry.ROOMS[kind].parse, text)


@dataclass(frozen=True)
class Settings(fields.Settings):
    """A trained model; the settings of a program inherit it.

    Attributes:
      model: the folder of a model that launch.main wrote.
    """

    model: Path = flag("Model", required=True)
    encoder: Part | None = _own("encoder")
    aggregator: Part | None = _own("aggregator")
    head: Part | None = _own("head")
    objective: Part | None = _own("objective")

    def describe(self) -> Description:
        """Describes the model, without reading its parameters or importing jax."""
        return bundle.describe(self.model, self._trusted())

    def load(self) -> Bundle:
        """Loads the model."""
        return bundle.load(self.model, self._trusted())

    def _trusted(self) -> list[Part]:
        parts = self.encoder, self.aggregator, self.head, self.objective
        return [part for part in parts if part]
