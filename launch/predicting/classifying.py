"""Classifies utterances while the features of others are extracted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vladser.features import packed
from vladser.features.audio import BadAudio
from vladser.features.extraction import Outcome
from vladser.types import Utterance

if TYPE_CHECKING:
    from vladser.models.bundle import Bundle

_GROUP = 32  # utterances that are classified together


class Classified(NamedTuple):
    """What a model says of N utterances, NaN where their files are bad.

    Attributes:
      utterances: [N]; the id of each is its place.
      emotions: the classes.
      probabilities: [N, classes] float32.
      embeddings: [N, V] float32.
      bad: what is wrong with an utterance, by its place.
    """

    utterances: Sequence[Utterance]
    emotions: tuple[str, ...]
    probabilities: np.ndarray
    embeddings: np.ndarray
    bad: Mapping[int, BadAudio]


def classify(
    bundle: "Bundle",
    utterances: Sequence[Utterance],
    extracted: Iterable[Outcome],
    progress: Callable[[int], object],
) -> Classified:
    """Classifies utterances as their features arrive.

    Args:
      bundle: the model.
      utterances: the id of each is its place.
      extracted: each once, in any order, see `extraction.started`.
      progress: called with 1 for each utterance whose features have arrived.
    """
    from vladser.models import inference  # late because it imports jax

    # Of no interest but for its sizes: compiles the programs while workers start.
    example = inference.classify(bundle, [np.zeros((1, len(bundle.mean)), "f4")])
    embeddings, probabilities = (
        np.full((len(utterances), part.shape[1]), np.nan, np.float32)
        for part in example
    )
    good: dict[int, np.ndarray] = {}
    bad: dict[int, BadAudio] = {}
    for number, (utterance, features) in enumerate(extracted, 1):
        progress(1)
        if isinstance(features, BadAudio):
            bad[int(utterance.id)] = features
        else:
            good[int(utterance.id)] = packed.load(features)
        if good and (len(good) == _GROUP or number == len(utterances)):
            places = [*good]
            found = inference.classify(bundle, [*good.values()])
            embeddings[places], probabilities[places] = found
            good = {}
    return Classified(utterances, bundle.emotions, probabilities, embeddings, bad)
