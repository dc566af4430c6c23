"""The data that flows through vladser: no logic, no jax."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import jax

    Array: TypeAlias = jax.Array | np.ndarray
else:
    Array = Any  # who starts a worker or asks for --help does not wait for jax

PyTree: TypeAlias = Any

UNKNOWN = "Unknown"  # the speaker of utterances of which nobody knows who talks


@dataclass(frozen=True, slots=True)
class Utterance:
    """Who said what, in which emotion, and where the audio is."""

    id: str  # unique within the corpus, and the same on every machine
    file: Path
    speaker: str  # the person who talks, not the dialogue or the session; or UNKNOWN
    emotion: str  # canonical name, see `corpora.emotions`
    session: str | None = None  # speakers of one session were recorded together
    text: str | None = None  # identifies the sentence that is spoken
    start: float | None = None  # of the segment, in seconds; None: that of the file
    end: float | None = None  # likewise
    split: str | None = None  # "train", "validation", or what begins with "test"
    activation: float | None = None  # from 1, calm, to 5, excited; others say arousal
    valence: float | None = None  # from 1, negative, to 5, positive


class Corpus(NamedTuple):
    """What a reader returns."""

    utterances: list[Utterance]
    notes: list[str]  # for the user: a partial release, a label that was left out


class Frames(Protocol):
    """Frames of a corpus: an array in memory, or `packed.Unread`, which looks like it
    and reads them from their files."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """A corpus of N utterances as one frame buffer on the host: their frames end to
    end, then zeros, so that no slice of an utterance runs out of the buffer."""

    frames: Frames  # [F + longest, D] float32
    offset: np.ndarray  # [N] int64, the first frame of each utterance
    length: np.ndarray  # [N] int64, its frames
    label: np.ndarray  # [N] int64 codes into `emotions`
    speaker: np.ndarray  # [N] int64 codes into `speakers`
    session: np.ndarray  # [N] int64 codes into `sessions`, -1 for none
    split: np.ndarray  # [N] str, "" for none
    views: np.ndarray  # [N, 2] float32 activation and valence, NaN for none
    utterances: tuple[str, ...]  # [N] ids
    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    sessions: tuple[str, ...]
    feature_set: str  # what the columns are, with the version of their source
    energy: np.ndarray | None = None  # [F] of each frame, where pieces look at it


class Buffer(NamedTuple):
    """The part of a Dataset that lies on the device, shared by every trial."""

    frames: Array
    offset: Array
    length: Array
    label: Array
    views: Array  # [N, 2] int, see `dataset.levels`


class Fold(NamedTuple):
    """Who is tested, and the utterances (row numbers) of each set."""

    held_out: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    by_split: bool = False  # whether the sets are those of Dataset.split


@dataclass(frozen=True)
class Part:
    """A part of a system by its name and options, `netvlad(clusters=4)`."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        options = ",".join(f"{name}={value!r}" for name, value in self.options)
        return f"{self.name}({options})" if options else self.name


@dataclass(frozen=True)
class Spec:
    """What changes the compiled program of a training."""

    encoder: Part
    aggregator: Part
    head: Part
    objective: Part  # without its options, which are data, in a Trial
    optimizer: Part  # likewise
    dim: int  # D, descriptors of a frame
    classes: int
    precision: str = "default"  # of matrix products, see `model.compiled_for`
    kernel: str = "auto"  # likewise, of LSTMs


class Trial(NamedTuple):
    """What does not change the compiled program: one training of the experiment.

    Each array has the leading axes of the trials: [seeds, conditions x folds].
    """

    seed: Array  # int32
    mean: Array  # [D] of the fold's training frames; 0 where they are standardized
    scale: Array  # [D] 1 / their standard deviation; 1 likewise
    noise: Array  # standard deviation, in units of the standardized input
    dropout: Array  # probability that an output of the encoder is dropped
    objective: PyTree  # its data, see `Objective.prepare`
    optimizer: dict[str, Array]  # its options


class State(NamedTuple):
    """What a training step changes."""

    params: PyTree
    optimizer: PyTree
