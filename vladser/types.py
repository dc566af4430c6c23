"""The data that flows through vladser: no logic, no jax."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PyTree = Any
Array = Any  # numpy or jax


@dataclass(frozen=True, slots=True)
class Utterance:
    """Who said what, in which emotion, and where the audio is.

    Attributes:
      id: unique within the corpus and the same on every machine.
      file: the audio file.
      speaker: the person who talks, not the dialogue or the recording session.
      emotion: canonical name, see `corpora.emotions`.
      session: speakers of one session were recorded together; None where a corpus has
        no sessions.
      text: identifies the sentence that is spoken, where the corpus knows.
      start, end: the segment of the file, in seconds; None for its begin and its end.
      split: "train", "validation" or "test" where the corpus publishes one.
    """

    id: str
    file: Path
    speaker: str
    emotion: str
    session: str | None = None
    text: str | None = None
    start: float | None = None
    end: float | None = None
    split: str | None = None


class Corpus(NamedTuple):
    """What a reader found: the utterances, and one line for each thing the user should
    know of them (a partial release, a label that was left out)."""

    utterances: list[Utterance]
    notes: list[str]
