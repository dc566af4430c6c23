"""The flags that name a trained model, the same for every program that takes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from launch.command_line import fields
from launch.command_line.fields import Flag, flag, several
from vladser import own_code, registry
from vladser.models import bundle
from vladser.models.bundle import Bundle, Description
from vladser.types import Part

_TEXT = "the model's {} if it is none of vladser's: code that you trust."
_PARTS = {
    kind: Flag("Model", None, registry.ROOMS[kind].parse, _TEXT.format(kind))
    for kind in bundle.BUILT
}


@dataclass(frozen=True)
class Settings(fields.Settings):
    """A trained model; the settings of a program inherit it.

    Attributes:
      model: the folder of a model that launch.main wrote.
    """

    model: Path = flag("Model", required=True)
    parts: Mapping[str, Part] = several(_PARTS)

    description: Description = fields.found()

    def checked(self) -> Self:
        """See `fields.Settings.checked`; also describes the model, without reading its
        parameters or importing jax."""
        description = bundle.describe(self.model, [*self.parts.values()])
        return replace(self, description=description)

    def load(self) -> Bundle:
        """Loads the model."""
        return bundle.read_parameters(self.model, self.description)

    def changed_code(self) -> list[str]:
        """Returns the files of the parts' code that have changed since the training."""
        environment = self.description.about.get("environment", {})
        before = environment.get("code", {})
        now: dict[str, str] = {}
        for kind, part in self.parts.items():
            registry.ROOMS[kind].build(part)  # imports it
            now |= own_code.sources(part.name)
        return sorted(file for file in now if before.get(file, now[file]) != now[file])
