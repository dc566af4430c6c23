"""What the chunks of an experiment found, as one."""

import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vladser import batches
from vladser.chunks import Chunk
from vladser.experiment import Epoch, Outcome
from vladser.types import Condition


class Results(NamedTuple):
    """What some trials, or all, led to. Axes [seeds, conditions, folds] come first."""

    epoch: np.ndarray  # [...] whose parameters were tested, from 1
    loss: np.ndarray  # [..., epochs]
    validation_ua: np.ndarray  # [..., epochs]; NaN without validation
    probabilities: np.ndarray  # [..., N, classes]; NaN where not tested


def curves(chunk: Chunk, epoch: Epoch) -> tuple[np.ndarray, np.ndarray]:
    """Loss and validation UA (NaN without validation) of a chunk's trials in an epoch,
    [seeds, conditions, folds] each."""
    axes, ua = tuple(map(len, chunk)), epoch.validation_ua
    ua = np.full(epoch.loss.shape, np.nan) if ua is None else ua
    return epoch.loss.reshape(axes), ua.reshape(axes)


def of_chunk(chunk: Chunk, epochs: Sequence[Epoch], outcome: Outcome) -> Results:
    """The results of a chunk from the events of its `experiment.run`."""
    axes = tuple(map(len, chunk))
    losses, uas = zip(*(curves(chunk, epoch) for epoch in epochs), strict=True)
    probabilities = outcome.probabilities
    return Results(
        epoch=outcome.epoch.reshape(axes),
        loss=np.stack(losses, axis=-1),
        validation_ua=np.stack(uas, axis=-1),
        probabilities=probabilities.reshape(*axes, *probabilities.shape[2:]),
    )


def merge(
    parts: Iterable[tuple[Chunk, Results]],
    plan: batches.Plan,
    conditions: Sequence[Condition],
) -> Results:
    """The results of all trials from those of chunks that hold each trial once."""
    axes = len(plan.seeds), len(conditions), len(plan.folds)
    whole = None
    for chunk, results in parts:
        whole = whole or Results(
            *(np.empty((*axes, *f.shape[3:]), f.dtype) for f in results)
        )
        for target, field in zip(whole, results, strict=True):
            target[np.ix_(*chunk)] = field
    return whole


def pack(chunk: Chunk, results: Results) -> bytes:
    """A chunk and its results, to be sent to another process."""
    file = io.BytesIO()
    # Compressed: of the probabilities most are NaN.
    np.savez_compressed(file, **chunk._asdict(), **results._asdict())
    return file.getvalue()


def unpack(packed: bytes) -> tuple[Chunk, Results]:
    """What `pack` made bytes of."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        chunk = Chunk(*(file[field].tolist() for field in Chunk._fields))
        return chunk, Results(*(file[field] for field in Results._fields))
