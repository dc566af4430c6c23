"""The features that a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launch.command_line import model_flags
from launch.command_line.fields import flag
from vladser import registry
from vladser.errors import InputError
from vladser.features import cache
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
        described = self.describe()
        return find(described.feature_set, described.features, self.features)

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


def find(feature_set: str, dim: int, given: Part | None = None) -> Features:
    """Returns the features that a model takes.

    Args:
      feature_set: as the model's bundle names it.
      dim: D.
      given: what --features says.

    Raises:
      InputError: they are unknown here, or differ from those that are given.
    """
    wanted = feature_set.partition("/")[0]
    features = registry.features.build(given or _part(feature_set, wanted))
    here = features.id
    if features.setup is None:
        features = features._replace(dim=features.dim or dim)
        here = f"{features.id}-{features.dim}"
    if here != wanted:
        maker = f"--features={given}" if given else "this version of vladser"
        raise InputError(
            f"the model takes features {wanted}, {maker} makes {here}: expected those "
            "that it was trained on"
        )
    return features


def _part(feature_set: str, wanted: str) -> Part:
    """Returns the built-in features that an id stands for."""
    names = registry.features.names()
    name, _, rest = wanted.partition("-")
    if name == "npy":  # npy-768, or npy-<name>-768
        return Part(name, (("name", rest.rpartition("-")[0]),))
    if name not in names:
        raise InputError(
            f"the model takes features {feature_set}, which are unknown here: "
            f"{', '.join(names)} are known, others are named by --features"
        )
    return registry.features.parse(name)
