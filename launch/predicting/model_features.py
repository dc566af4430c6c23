"""The features that a model takes."""

from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np

from vladser.errors import InputError
from vladser.features import arrays, cache, extraction, sets
from vladser.features.audio import BadAudio
from vladser.types import Utterance


def name(feature_set: str) -> str:
    """Returns the `--features` that made a model's features.

    Args:
      feature_set: as the model's bundle names it.

    Raises:
      InputError: this version of vladser does not make them.
    """
    wanted = feature_set.partition("/")[0]
    features = wanted.rpartition("-")[0]
    if features == arrays.NAME:
        return features
    if features not in sets.names():
        raise InputError(
            f"the model takes features {feature_set}, which are unknown here: expected "
            f"one of {', '.join(extraction.names())}"
        )
    if (here := sets.find(features).id) != wanted:
        raise InputError(
            f"the model takes features {wanted}, this version of vladser makes {here}: "
            "use the version that trained the model"
        )
    return features


def differing(feature_set: str, cache_dir: Path) -> str | None:
    """Returns a remark if features were made by another openSMILE in training.

    Args:
      feature_set: as the model's bundle names it.
      cache_dir: where features are kept.

    Raises:
      InputError: openSMILE is not installed, and nothing is cached.
    """
    features = name(feature_set)
    if features == arrays.NAME:
        return None
    here = cache.feature_set(cache_dir, features)
    if here == feature_set:
        return None
    then, now = (text.partition("/")[2] for text in (feature_set, here))
    return f"features are made by {now}; the model was trained on those of {then}"


def each(
    feature_set: str,
    utterances: Iterable[Utterance],
    cache_dir: Path,
    max_seconds: float,
    workers: int,
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """Yields each utterance once, in any order, with its features or what is wrong.

    Args:
      feature_set: as the model's bundle names it.
      utterances: whose files are audio, or features if the model takes those.
      cache_dir: where features are kept.
      max_seconds: longer audio is bad.
      workers: processes that extract.
    """
    features = name(feature_set)
    if features == arrays.NAME:
        return _ready(utterances, int(feature_set.rpartition("-")[2]))
    return extraction.each(
        utterances,
        cache_dir,
        features=features,
        max_seconds=max_seconds,
        workers=workers,
    )


def _ready(
    utterances: Iterable[Utterance], columns: int
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """Reads features from files, each by itself: `arrays.each` compares them."""
    for utterance in utterances:
        try:
            if utterance.start is not None or utterance.end is not None:
                raise BadAudio("holds features, which have no segments")
            features = arrays.load(utterance.file)
            if features.shape[1] != columns:
                raise BadAudio(f"has D = {features.shape[1]}, expected {columns}")
            yield utterance, features
        except BadAudio as reason:
            yield utterance, reason
