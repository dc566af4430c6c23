"""From the settings and the features to the design of an experiment."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from launch.command_line import flags
from launch.command_line.flags import Settings
from launch.experiment import protocol
from launch.experiment.loading import Loaded
from vladser.data import dataset
from vladser.engine.design import Design
from vladser.types import Dataset, Part


def datasets(loaded: Loaded) -> dict[Part, Dataset]:
    """Returns a dataset for each of the features; all have the same utterances."""
    return {
        part: dataset.build(
            loaded.chosen.utterances,
            extraction.features,
            loaded.classes,
            extraction.feature_set,
        )
        for part, extraction in loaded.extractions.items()
    }


def design(settings: Settings, by_features: Mapping[Part, Dataset]) -> Design:
    """Designs the experiment that the flags ask for.

    Args:
      settings: of the run.
      by_features: a dataset for each of the features that the conditions have.

    Raises:
      UsageError: the corpus does not allow the protocol.
    """
    conditions = flags.conditions(settings)
    data = [by_features[condition.features] for condition in conditions]
    return Design(
        data,
        conditions,
        protocol.folds_of(settings, data[0]),
        range(settings.seeds),
        settings.standardize,
        settings.validation == "partner",
    )


def digest(by_features: Mapping[Part, Dataset]) -> str:
    """Returns the SHA-256 of all data, in hexadecimal digits."""
    digests = [dataset.digest(data) for data in by_features.values()]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def describe(
    settings: Settings, by_features: Mapping[Part, Dataset], digest: str
) -> dict[str, Any]:
    """Returns what dataset.json holds.

    Args:
      settings: of the run.
      by_features: its data; where there are several features, `feature_sets` lists all.
      digest: of all data.
    """
    sets = [
        {
            "frames": int(data.length.sum()),
            "feature_set": data.feature_set,
            "features": data.frames.shape[1],
        }
        for data in by_features.values()
    ]
    data = next(iter(by_features.values()))
    counts = Counter(zip(data.speaker.tolist(), data.label.tolist(), strict=True))
    return {
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "utterances": len(data.utterances),
        **sets[0],
        **({"feature_sets": sets} if len(sets) > 1 else {}),
        "digest": digest,
        "speakers": {
            speaker: {emotion: counts[s, e] for e, emotion in enumerate(data.emotions)}
            for s, speaker in enumerate(data.speakers)
        },
    }
