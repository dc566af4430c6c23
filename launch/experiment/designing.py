"""From the settings and the features to the design of an experiment."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from vladser.data import dataset, folds
from vladser.engine.design import Design
from vladser.types import Dataset, Fold, Utterance


def design(settings: Settings, data: Dataset) -> Design:
    """Designs the experiment that the flags ask for.

    Raises:
      UsageError: the corpus does not allow the protocol.
    """
    conditions = flags.conditions(settings)
    return Design(
        [data] * len(conditions),
        conditions,
        _folds(settings, data),
        range(settings.seeds),
        settings.standardize,
        settings.validation == "partner",
    )


def check_protocol(
    settings: Settings, utterances: Sequence[Utterance], classes: Sequence[str]
) -> None:
    """Raises UsageError where the corpus does not allow the protocol: this needs no
    features, which can take long to extract."""
    frame = np.empty((1, 0), np.float32)
    without = {utterance.id: frame for utterance in utterances}
    _folds(settings, dataset.build(utterances, without, classes, "none"))


def describe(settings: Settings, data: Dataset, digest: str) -> dict[str, Any]:
    """Returns what dataset.json holds."""
    counts = Counter(zip(data.speaker.tolist(), data.label.tolist(), strict=True))
    return {
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "utterances": len(data.utterances),
        "frames": int(data.length.sum()),
        "feature_set": data.feature_set,
        "features": data.frames.shape[1],
        "digest": digest,
        "speakers": {
            speaker: {emotion: counts[s, e] for e, emotion in enumerate(data.emotions)}
            for s, speaker in enumerate(data.speakers)
        },
    }


def _folds(settings: Settings, data: Dataset) -> list[Fold]:
    # Two corpora are one whose split tells them apart, see `vladser.corpora.cross`.
    hold_out = "split" if settings.test_corpus else settings.hold_out
    with cli.wrong_use():
        return folds.make(data, hold_out, settings.validation)
