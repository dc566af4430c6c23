"""The features that a model takes, of the utterances that are to be classified."""

from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np

from vladser.errors import InputError
from vladser.features import arrays, cache, extraction, sets
from vladser.features.audio import BadAudio
from vladser.types import Utterance


def name(feature_set: str) -> str:
    """The `--features` that a bundle's feature_set was made by.

    Raises:
      InputError: this version of vladser makes none such.
    """
    wanted = feature_set.partition("/")[0]
    found = wanted.rpartition("-")[0]
    if found == arrays.NAME:
        return found
    if found not in sets.names():
        raise InputError(
            f"the model takes features {feature_set}, which are unknown here: "
            f"{', '.join(extraction.names())} are known"
        )
    if (here := sets.find(found).id) != wanted:
        raise InputError(
            f"the model takes features {wanted}, this version of vladser makes {here}: "
            "use the one that the model was trained by"
        )
    return found


def differing(feature_set: str, cache_dir: Path) -> str | None:
    """A remark where another openSMILE makes the features here than in training.

    Raises:
      InputError: openSMILE is not installed, and nothing is cached.
    """
    found = name(feature_set)
    if found == arrays.NAME:
        return None
    here = cache.feature_set(cache_dir, found)
    if here == feature_set:
        return None
    then, now = (text.partition("/")[2] for text in (feature_set, here))
    return f"features are of {now}; the model was trained on those of {then}"


def each(
    feature_set: str,
    utterances: Iterable[Utterance],
    cache_dir: Path,
    max_seconds: float,
    workers: int,
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """Yields each utterance once, in any order, with its features or what is wrong."""
    found = name(feature_set)
    if found == arrays.NAME:
        return _ready(utterances, int(feature_set.rpartition("-")[2]))
    return extraction.each(
        utterances,
        cache_dir,
        features=found,
        max_seconds=max_seconds,
        workers=workers,
    )


def _ready(
    utterances: Iterable[Utterance], columns: int
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """Features from files, each for itself: `arrays.each` wants all as the first."""
    for utterance in utterances:
        found: np.ndarray | BadAudio
        try:
            if utterance.start is not None or utterance.end is not None:
                raise BadAudio("holds features, of which there are no segments")
            values = arrays.load(utterance.file)
            if values.shape[1] != columns:
                raise BadAudio(f"has D = {values.shape[1]}: {columns} is right")
            found = values
        except BadAudio as reason:
            found = reason
        yield utterance, found
