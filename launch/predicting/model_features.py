"""The features that a model takes."""

from pathlib import Path

from vladser import registry
from vladser.errors import InputError
from vladser.features import cache
from vladser.types import Features, Part


def find(feature_set: str, dim: int, given: Part | None = None) -> Features:
    """Returns the features that a model takes.

    Args:
      feature_set: as the model names it.
      dim: D.
      given: the value of --features.

    Raises:
      InputError: they are unknown here, or differ from those given.
    """
    wanted = feature_set.partition("/")[0]
    features = registry.features.build(given or _part(feature_set, wanted))
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


def note(feature_set: str, features: Features, cache_dir: Path, given: bool) -> str:
    """Returns what users should know of a model's features, "" for nothing.

    Args:
      feature_set: as the model names it.
      features: what `find` returned.
      cache_dir: where features are kept.
      given: whether --features is.

    Raises:
      InputError: what computes them is not installed, and nothing is cached.
    """
    if features.setup is None:
        name = features.id.partition("-")[2]
        if given or not name:
            return ""
        return (
            f"files should hold features of {name}: --features=npy(name=...) checks it"
        )
    here = cache.identify(features, cache_dir)
    if here == feature_set:
        return ""
    then, now = (text.partition("/")[2] for text in (feature_set, here))
    return f"features are of {now}; the model was trained on those of {then}"


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
