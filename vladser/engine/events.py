"""What happens in an experiment, as `experiment.run` yields it.

Arrays of trials are [seeds, conditions x folds], see `vladser.engine.design`.
"""

from typing import NamedTuple

import numpy as np

from vladser import model
from vladser.engine.reading import Fitted
from vladser.engine.results import Results
from vladser.types import Trial


class Compiled(NamedTuple):
    """The training program is ready."""

    seconds: float


class Step(NamedTuple):
    """All trials took a step."""

    epoch: int  # counted from 1
    frames: int  # real frames of the live training rows, all trials
    computed: int  # frames computed for them, padding included
    # Since the step before, what the caller did meanwhile included; compilation,
    # evaluation and checkpoints left out.
    seconds: float


class Epoch(NamedTuple):
    """All trials finished an epoch."""

    epoch: int  # counted from 1
    loss: np.ndarray  # [seeds, trials], the average over the training rows
    validation_ua: np.ndarray  # [seeds, trials]; NaN without validation


class Checkpoint(NamedTuple):
    """The state of `run` after an epoch, from which it resumes to the bit.

    `leaves` are those of the states, `best` those of the best epoch's parameters (none
    without validation, or before there is one), as jax.tree.leaves orders them.
    """

    epoch: int  # the last that is done, from 1; 0 before the first
    loss: np.ndarray  # [seeds, trials, epochs that are done]
    validation_ua: np.ndarray  # the same; NaN without validation
    failed: np.ndarray  # [seeds, trials, 2] epoch and step of a failure; 0 without
    rows: np.ndarray  # [seeds, trials] rows that the steps were given
    leaked: np.ndarray  # [seeds, trials] those of them that the fold hides
    leaves: list[np.ndarray]
    best: list[np.ndarray]


class Outcome(NamedTuple):
    """The trained trials and their results on the test utterances."""

    trials: Trial  # [seeds, trials, ...] as they were trained
    params: model.Params  # [seeds, trials, ...]
    fitted: list[list[list[Fitted]]]  # [seeds][conditions][folds] of the readouts
    results: Results


Event = Compiled | Step | Epoch | Checkpoint | Outcome


def beginning(seeds: int, trials: int) -> Checkpoint:
    """Returns the checkpoint before the first epoch of trials [seeds, trials]."""
    no_epochs, zeros = np.empty((seeds, trials, 0)), np.zeros((seeds, trials), int)
    failed = np.zeros((seeds, trials, 2), int)
    return Checkpoint(0, no_epochs, no_epochs, failed, zeros, zeros, [], [])
