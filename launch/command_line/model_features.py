"""The features that a model takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launch.command_line import model_flags
from launch.command_line.fields import flag
from vladser import registry
from vladser.contracts import Features
from vladser.errors import InputError
from vladser.features import cache
from vladser.text import few
from vladser.types import Part


@dataclass(frozen=True)
class Settings(model_flags.Settings):
    """A trained model and its features; the settings of a program inherit it.

    Attributes:
      features: the model's features if they are none of vladser's: code that you trust;
        or npy(name=...), to check what made the features in the files.
    """

    features: Part | None = flag("Model", None, registry.features.parse)

    def find_features(self) -> Features:
        """Returns the features that the model takes; raises InputError where others are
        made or given, or code from elsewhere is not given."""
        model = self.description
        part = self.features or model.condition.features
        if "." in part.name and not self.features:
            raise InputError(
                f"the model takes features {part}, code from elsewhere: if you trust "
                f"that, say --features={part}"
            )
        features = registry.features.build(part)
        here, wanted = features.id, model.feature_set.partition("/")[0]
        if features.setup is None:
            features = features._replace(dim=features.dim or model.features)
            here = f"{features.id}-{features.dim}"
        if here != wanted:
            raise InputError(
                f"the model takes features {wanted}, {part} makes {here}: "
                "--features names others"
            )
        return features

    def remarks(self, cache_dir: Path) -> Iterator[str]:
        """Yields what users should know of the model's features and code."""
        features, trained = self.find_features(), self.description.feature_set
        name = features.id.partition("-")[2]
        if features.setup:
            here = cache.identify(features, cache_dir)
            if here != trained:
                yield f"the features are {here}; in training {trained}"
        elif name and not self.features:
            hint = "--features=npy(name=...) checks"
            yield f"files should hold features of {name}: {hint}"
        if changed := self.changed_code():
            yield f"{few(changed)}: not the code that the model was trained with"
