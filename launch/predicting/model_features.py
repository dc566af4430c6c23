"""The features that a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launch.command_line import model_flags
from launch.command_line.fields import flag
from vladser import registry
from vladser.errors import InputError
from vladser.features import cache
from vladser.models.bundle import Description
from vladser.types import Features, Part


@dataclass(frozen=True)
class Settings(model_flags.Settings):
    """A trained model and its features; the settings of a program inherit it.

    Attributes:
      features: the model's features if they are none of vladser's: code that you trust;
        or npy(name=...), to check what made the features in the files.
    """

    features: Part | None = flag("Model", None, registry.features.parse)

    def find_features(self) -> Features:
        """Returns the features that the model takes, see `find`."""
        return find(self.describe(), self.features)

    def remark(self, cache_dir: Path) -> str:
        """Returns what users should know of the model's features, "" for nothing.

        Raises:
          InputError: what computes them is not installed, and nothing is cached.
        """
        features, feature_set = self.find_features(), self.describe().feature_set
        if features.setup is None:
            name = features.id.partition("-")[2]
            if self.features or not name:
                return ""
            return (
                f"files should hold features of {name}: --features=npy(name=...) "
                "checks it"
            )
        here = cache.identify(features, cache_dir)
        if here == feature_set:
            return ""
        then, now = (text.partition("/")[2] for text in (feature_set, here))
        return f"features are made by {now}; the model was trained on those of {then}"


def find(model: Description, given: Part | None = None) -> Features:
    """Returns the features that a model takes.

    Args:
      model: its description.
      given: what --features says.

    Raises:
      InputError: they are unknown here, code from elsewhere that is not given, or
        others than those that are given.
    """
    wanted, dim = model.feature_set.partition("/")[0], model.features
    features = registry.features.build(given or _part(model, wanted))
    if features.setup is None:
        features = features._replace(dim=features.dim or dim)
        here = f"{features.id}-{features.dim}"
    else:
        here = features.id
    if here != wanted:
        who = f"--features={given}" if given else "this version of vladser"
        raise InputError(
            f"the model takes features {wanted}, {who} makes {here}: expected those "
            "that it was trained on"
        )
    return features


def _part(model: Description, wanted: str) -> Part:
    """Returns the features that the model names, or those that their id stands for: a
    model of an earlier version has the id alone."""
    part, names = model.condition.features, registry.features.names()
    if "." in part.name:
        raise InputError(
            f"the model takes features {part}, code from elsewhere: if you trust that, "
            f"say --features={part}"
        )
    name, _, rest = wanted.partition("-")
    if name == part.name:
        return part
    if name == "npy":  # npy-768, or npy-<name>-768
        return Part(name, (("name", rest.rpartition("-")[0]),))
    if name not in names:
        raise InputError(
            f"the model takes features {model.feature_set}, which are unknown here: "
            f"{', '.join(names)} are known, others are named by --features"
        )
    return registry.features.parse(name)
