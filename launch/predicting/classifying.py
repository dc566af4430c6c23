"""Classifies utterances while the features of others are extracted."""

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vladser.features.audio import BadAudio
from vladser.types import Utterance

if TYPE_CHECKING:
    from vladser.models.bundle import Bundle

_GROUP = 32  # utterances that are classified together


class Classified(NamedTuple):
    """What a model says of N utterances, NaN where their files are bad.

    Attributes:
      emotions: the classes.
      probabilities: [N, classes] float32.
      embeddings: [N, V] float32; V is 0 unless they are wanted.
      bad: what is wrong with an utterance, by its place.
    """

    emotions: tuple[str, ...]
    probabilities: np.ndarray
    embeddings: np.ndarray
    bad: Mapping[int, BadAudio]


def classify(
    count: int,
    extracted: Generator[tuple[Utterance, np.ndarray | BadAudio]],
    load: Callable[[], "Bundle"],
    embeddings: bool,
    progress: Callable[[int], object],
) -> Classified:
    """Classifies utterances as their features arrive.

    Args:
      count: N, the number of utterances.
      extracted: each utterance once, in any order, with its features [T, D] or what is
        wrong with its file; its id is its place. Closed at the end.
      load: returns the model. Called when the extraction has begun, since the import
        of jax takes time.
      embeddings: whether to keep them.
      progress: called with 1 for each utterance whose features have arrived.
    """
    with closing(extracted), ThreadPoolExecutor(1) as thread:
        first = thread.submit(next, extracted)
        bundle = load()
        from vladser.models import inference  # late because it imports jax

        # Compiles the programs meanwhile, for one frame.
        example = inference.classify(bundle, [np.zeros((1, len(bundle.mean)), "f4")])
        probabilities = np.full((count, len(bundle.emotions)), np.nan, np.float32)
        size = example.embedding.shape[1] if embeddings else 0
        kept = np.full((count, size), np.nan, np.float32)
        good: dict[int, np.ndarray] = {}
        bad: dict[int, BadAudio] = {}
        arrived = chain([first.result()], extracted)
        for number, (utterance, features) in enumerate(arrived):
            progress(1)
            if isinstance(features, BadAudio):
                bad[int(utterance.id)] = features
            else:
                good[int(utterance.id)] = features
            if good and (len(good) == _GROUP or number == count - 1):
                group = inference.classify(bundle, [*good.values()])
                probabilities[[*good]] = group.probabilities
                kept[[*good]] = group.embedding[:, :size]
                good = {}
    return Classified(bundle.emotions, probabilities, kept, bad)
