"""From the features of utterances, as they come, to what a model makes of them."""

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
    """What the model makes of N utterances, NaN where their files are bad."""

    emotions: tuple[str, ...]  # the classes
    probabilities: np.ndarray  # [N, classes] float32
    embeddings: np.ndarray  # [N, V] float32; V is 0 where they are not wanted
    bad: Mapping[int, BadAudio]  # what is wrong, by the utterance's place


def classify(
    count: int,
    results: Generator[tuple[Utterance, np.ndarray | BadAudio]],
    load: Callable[[], "Bundle"],
    embeddings: bool,
    progress: Callable[[int], object],
) -> Classified:
    """Classifies utterances while others' features are extracted.

    Args:
      count: N.
      results: each utterance once, in any order; the ids are their places. It is
        closed at the end.
      load: gives the model. It is called when the extraction has begun, and may take
        its time to import jax.
      embeddings: whether to keep them.
      progress: called with 1 whenever an utterance's features are there.
    """
    with closing(results), ThreadPoolExecutor(1) as thread:
        first = thread.submit(next, results)
        bundle = load()
        from vladser.models import inference  # late, for it imports jax

        # One frame, to compile the programs meanwhile.
        example = inference.classify(bundle, [np.zeros((1, len(bundle.mean)), "f4")])
        probabilities = np.full((count, len(bundle.emotions)), np.nan, np.float32)
        size = example.embedding.shape[1] if embeddings else 0
        kept = np.full((count, size), np.nan, np.float32)
        good: dict[int, np.ndarray] = {}
        bad: dict[int, BadAudio] = {}
        for number, (utterance, found) in enumerate(chain([first.result()], results)):
            progress(1)
            if isinstance(found, BadAudio):
                bad[int(utterance.id)] = found
            else:
                good[int(utterance.id)] = found
            if good and (len(good) == _GROUP or number == count - 1):
                group = inference.classify(bundle, [*good.values()])
                probabilities[[*good]] = group.probabilities
                kept[[*good]] = group.embedding[:, :size]
                good = {}
    return Classified(bundle.emotions, probabilities, kept, bad)
