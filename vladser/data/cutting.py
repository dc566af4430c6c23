"""The rows of a training: utterances, or pieces of them in the same frame buffer."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vladser import registry
from vladser.errors import InputError
from vladser.types import Dataset, Fold, Part

SILENCE = "silence"  # the class of pieces without speech
_SAME = ("speaker", "session", "split", "views")  # as those of the utterance


class Rows(NamedTuple):
    """Pieces of the utterances of a dataset.

    Attributes:
      data: the same dataset, with pieces in the place of utterances, which have the id
        of theirs; the classes may end in SILENCE.
      parent: [M] int, the utterance of each piece; those of an utterance are together.
      labels: [N] int of the utterances, which have `classes` classes.
    """

    data: Dataset
    parent: np.ndarray
    labels: np.ndarray
    classes: int

    def folds(self, folds: Sequence[Fold]) -> list[Fold]:
        """Returns the pieces in the sets of folds of the utterances."""
        if len(self.parent) == len(self.labels):  # each is whole
            return [*folds]
        return [
            fold._replace(
                train=self._pieces(fold.train),
                validation=self._pieces(fold.validation),
                test=self._pieces(fold.test),
            )
            for fold in folds
        ]

    def _pieces(self, utterances: np.ndarray) -> np.ndarray:
        inside = np.zeros(self.parent[-1] + 1, bool)
        inside[utterances] = True
        return np.flatnonzero(inside[self.parent])


def classes(pieces: Part, emotions: int) -> int:
    """Returns the number of classes of pieces, of utterances of some emotions."""
    return emotions + bool(registry.pieces.build(pieces).silent)


def spans(pieces: Part, frames: int, energy: np.ndarray | None) -> np.ndarray:
    """Returns the first frame and the length of each piece of an utterance, [P, 2].

    Args:
      pieces: how it is cut.
      frames: T.
      energy: [T] of its frames, if it is known.

    Raises:
      InputError: the pieces look at the energy of frames, which is not known.
    """
    made = registry.pieces.build(pieces)
    if made.by_energy and energy is None:
        raise InputError(
            f"pieces {pieces} need the energy of frames, which these features do not "
            "tell: expected vladser147, logmel, han30, lee32 or ComParE_2016"
        )
    known = np.zeros(frames) if energy is None else energy.astype(float)
    return np.asarray(made.cut(known))


@lru_cache(maxsize=16)
def cut(data: Dataset, pieces: Part) -> Rows:
    """Cuts the utterances of a dataset into pieces; raises as `spans` does."""
    of_utterances = data.label, len(data.emotions)
    if pieces.name == "whole":
        return Rows(data, np.arange(len(data.length)), *of_utterances)
    silent, found, silences = registry.pieces.build(pieces).silent, [], []
    for start, length in zip(data.offset, data.length, strict=True):
        inside = slice(start, start + length)
        energy = None if data.energy is None else data.energy[inside].astype(float)
        found.append(spans(pieces, length, energy))
        if silent:
            silences.append(silent(energy, found[-1]))
    parent = np.repeat(np.arange(len(found)), [*map(len, found)])
    first, length = np.concatenate(found).T
    same = {name: getattr(data, name)[parent] for name in ("label", *_SAME)}
    emotions = data.emotions
    if silent:
        same["label"][np.concatenate(silences)] = len(emotions)
        emotions += (SILENCE,)
    of_pieces = replace(
        data,
        offset=data.offset[parent] + first,
        length=length,
        utterances=tuple(data.utterances[n] for n in parent),
        emotions=emotions,
        **same,
    )
    return Rows(of_pieces, parent, *of_utterances)
