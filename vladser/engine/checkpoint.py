"""The state of a training at the end of an epoch, from which it goes on to the bit."""

from typing import NamedTuple

import numpy as np


class Checkpoint(NamedTuple):
    """All that `experiment.run` knows of its trials at the end of an epoch.

    Arrays are [seeds, trials, ...]. `leaves` are those of the states, `best` those of
    the best epoch's parameters (none without validation, or before there is one), as
    jax.tree.leaves orders them.
    """

    epoch: int  # the last that is done, from 1; 0 before the first
    loss: np.ndarray  # [..., epochs that are done]
    validation_ua: np.ndarray  # [..., epochs that are done]; NaN without validation
    failed: np.ndarray  # [..., 2] epoch and step, from 1, of a failure; 0 without
    chosen: np.ndarray  # [...] the best epoch so far
    best_ua: np.ndarray  # [...]
    rows: np.ndarray  # [...] rows that the steps were given
    leaked: np.ndarray  # [...] those of them whose speaker the fold tests
    leaves: list[np.ndarray]
    best: list[np.ndarray]


def beginning(shape: tuple[int, int]) -> Checkpoint:
    """Returns the checkpoint before the first epoch of trials of this shape."""
    return Checkpoint(
        epoch=0,
        loss=np.empty((*shape, 0)),
        validation_ua=np.empty((*shape, 0)),
        failed=np.zeros((*shape, 2), int),
        chosen=np.ones(shape, int),
        best_ua=np.full(shape, -np.inf),
        rows=np.zeros(shape, int),
        leaked=np.zeros(shape, int),
        leaves=[],
        best=[],
    )
