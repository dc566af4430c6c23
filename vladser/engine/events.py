"""What happens in an experiment, as `experiment.run` yields it.

Arrays of trials are [seeds, conditions x folds], see `vladser.engine.trials`.
"""

from typing import NamedTuple

import numpy as np

from vladser import model
from vladser.engine.snapshot import Snapshot
from vladser.evaluation.netvlad_clusters import Clusters
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
    # evaluation and snapshots left out.
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
    # [seeds, trials, N, classes]; NaN where not tested, and where failed
    probabilities: np.ndarray
    clusters: Clusters | None  # of NetVLAD on the test utterances
    untrained: Clusters | None  # the same before the first step


Event = Compiled | Step | Epoch | Snapshot | Outcome
