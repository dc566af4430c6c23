"""The data that flows through vladser: no logic, no jax."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import jax

    Array: TypeAlias = jax.Array | np.ndarray
else:
    Array = Any  # who starts a worker or asks for --help does not wait for jax

PyTree: TypeAlias = Any


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


@dataclass(frozen=True)
class Dataset:
    """A corpus as one frame buffer on the host, and the names its codes stand for.

    Attributes:
      frames: [F + longest, D] float32, all utterances end to end, then zeros, so that a
        slice that starts at the last utterance never runs out of the buffer.
      offset, length: [N] int64, the first frame and the frame count of each utterance.
      label, speaker, session: [N] int64 codes into `emotions`, `speakers` and
        `sessions`; session is -1 where there is none.
      split: [N] str, "" where the corpus publishes none.
      utterances: [N] the ids.
      feature_set: which descriptors the columns are, with the version of their source.
    """

    frames: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    label: np.ndarray
    speaker: np.ndarray
    session: np.ndarray
    split: np.ndarray
    utterances: tuple[str, ...]
    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    sessions: tuple[str, ...]
    feature_set: str


class Buffer(NamedTuple):
    """The part of a Dataset that lies on the device, shared by every trial."""

    frames: Array
    offset: Array
    length: Array
    label: Array


class Fold(NamedTuple):
    """Who is tested, and the utterances (row numbers) of each part."""

    held_out: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


class Stream(NamedTuple):
    """A pooling over chunks of frames; `finish` of all chunks is the whole's vector."""

    start: Callable[[PyTree, int], PyTree]  # (params, dim) -> state
    update: Callable[[PyTree, PyTree, Array, Array], PyTree]
    # (params, state, frames [T, H], mask [T]) -> state
    finish: Callable[[PyTree, PyTree], Array]  # (params, state) -> vector [V]


class Aggregator(NamedTuple):
    """A pooling over time of ONE utterance, as pure functions."""

    init: Callable[[Array, int], PyTree]  # (key, dim) -> params of floats
    apply: Callable[[PyTree, Array, Array], Array]
    # (params, frames [T, H], mask [T]) -> vector [V]
    stream: Stream | None = None


@dataclass(frozen=True)
class Pooling:
    """An aggregator by name and options, as `--aggregator` says it."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        options = ",".join(f"{name}={value!r}" for name, value in self.options)
        return f"{self.name}({options})" if options else self.name


@dataclass(frozen=True)
class Spec:
    """What changes the compiled program of a training."""

    pooling: Pooling
    features: int
    classes: int
    cells: int = 64


@dataclass(frozen=True)
class Condition:
    """One row of a results table: everything that is set but the fold and the seed."""

    pooling: Pooling
    smoothing: str = "unigram"
    alpha: float = 0.2
    cells: int = 64
    noise: float = 0.01
    dropout: float = 0.5
    learning_rate: float = 1.0
    rho: float = 0.95
    class_weights: float = 0.0
    focal: float = 0.0
    logit_adjustment: float = 0.0

    @property
    def name(self) -> str:
        """Pooling and smoothing, then whatever is not as in the paper."""
        soft = f"{self.smoothing} {self.alpha:.15g}"
        parts = [self.pooling, "no smoothing" if self.smoothing == "none" else soft]
        for field in fields(self)[3:]:
            if (value := getattr(self, field.name)) != field.default:
                parts.append(f"{field.name.replace('_', ' ')} {value:.15g}")
        return ", ".join(map(str, parts))


class Trial(NamedTuple):
    """What does not change the compiled program: one training of the experiment.

    Each field has the leading axes of the trials: [seeds, conditions x folds].
    """

    seed: Array  # int32
    alpha: Array  # weight of the prior in the labels, eq. (2)
    prior: Array  # [classes] u(k) of eq. (2)
    class_weights: Array  # [classes] what an utterance of each weighs in the loss
    focal: Array  # gamma of the focal loss
    logit_adjustment: Array  # [classes] what the loss adds to the logits
    mean: Array  # [D] of the fold's training frames
    scale: Array  # [D] 1 / standard deviation of them
    noise: Array  # standard deviation, in units of the standardized input
    dropout: Array  # probability that an output of the LSTM is dropped
    learning_rate: Array
    rho: Array  # decay of Adadelta's averages


class State(NamedTuple):
    """What a training step changes."""

    params: PyTree
    optimizer: PyTree
