"""What happens in an experiment, as `experiment.run` yields it.

Arrays of trials are [seeds, conditions x folds], see `vladser.engine.trials`.
"""

from typing import NamedTuple

import numpy as np

from vladser import model
from vladser.engine.checkpoint import Checkpoint
from vladser.types import Trial


class Compiled(NamedTuple):
    """The training program is ready."""

    seconds: float


class Step(NamedTuple):
    """All trials took a step."""

    epoch: int  # counted from 1
    loss: np.ndarray  # [seeds, trials]
    rows: np.ndarray  # [seeds, trials] live training rows
    frames: int  # real frames of them, all trials
    computed: int  # frames computed for them, padding included
    # Since the step before, what the caller did meanwhile included; compilation,
    # evaluation and checkpoints left out.
    seconds: float


class Epoch(NamedTuple):
    """All trials finished an epoch."""

    epoch: int  # counted from 1
    loss: np.ndarray  # [seeds, trials], the average over the training rows
    validation_ua: np.ndarray  # [seeds, trials]; NaN without validation


class Outcome(NamedTuple):
    """The trained trials and what they say of their test utterances."""

    trials: Trial  # [seeds, trials, ...] as they were trained
    params: model.Params  # [seeds, trials, ...]
    loss: np.ndarray  # [seeds, trials, epochs]; NaN from a failure on
    validation_ua: np.ndarray  # [seeds, trials, epochs]; NaN without validation
    epoch: np.ndarray  # [seeds, trials] the epoch whose parameters these are, from 1
    failed: np.ndarray  # [seeds, trials, 2] epoch and step of a failure; 0 without
    rows: np.ndarray  # [seeds, trials] training rows that the steps were given
    leaked: np.ndarray  # [seeds, trials] those of them whose speaker the fold tests
    # One a fold, [seeds, conditions, its test utterances, classes]; NaN where failed.
    probabilities: list[np.ndarray]


Event = Compiled | Step | Epoch | Checkpoint | Outcome
