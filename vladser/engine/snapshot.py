"""The state of a training between two steps, from which it goes on to the bit."""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Snapshot(NamedTuple):
    """All that `experiment.run` knows of its trials at one moment.

    Arrays are [seeds, trials, ...]; `leaves` those of the states, `best` those of the
    best epoch's parameters (none without validation, or before there is one), as
    jax.tree.leaves orders them.
    """

    epoch: int  # the one that is going on, from 1
    step: int  # steps of it that are done
    loss: np.ndarray  # [..., epochs that are done]
    validation_ua: np.ndarray  # [..., epochs that are done]; NaN without validation
    total: np.ndarray  # [...] losses of this epoch's rows
    rows: np.ndarray  # [...] how many
    failed: np.ndarray  # [..., 2] epoch and step, from 1, of a failure; 0 without
    chosen: np.ndarray  # [...] the best epoch so far
    best_ua: np.ndarray  # [...]
    leaves: list[np.ndarray]
    best: list[np.ndarray]

    def part(self, seeds: Sequence[int], trials: Sequence[int]) -> "Snapshot":
        """Of some trials, by their places."""

        def take(value):
            if isinstance(value, list):
                return [take(leaf) for leaf in value]
            return value[np.ix_(seeds, trials)]

        epoch, step, *arrays = self
        return Snapshot(epoch, step, *map(take, arrays))


def beginning(shape: tuple[int, int]) -> Snapshot:
    """Before the first step; without the states, which may lie on the devices."""
    return Snapshot(
        epoch=1,
        step=0,
        loss=np.empty((*shape, 0)),
        validation_ua=np.empty((*shape, 0)),
        total=np.zeros(shape),
        rows=np.zeros(shape, int),
        failed=np.zeros((*shape, 2), int),
        chosen=np.zeros(shape, int),
        best_ua=np.full(shape, -np.inf),
        leaves=[],
        best=[],
    )


def after_step(
    now: Snapshot, index: int, loss: np.ndarray, count: np.ndarray
) -> Snapshot:
    """What is known after a step, by its number from 0, its loss and its live rows,
    [seeds, trials] each. A loss that is not finite is a failure."""
    fine, failed = np.isfinite(loss), now.failed.copy()
    failed[~fine & ~failed.any(axis=-1)] = now.epoch, index + 1
    return now._replace(
        total=now.total + np.where(fine, loss, 0) * count,
        rows=now.rows + count,
        failed=failed,
    )


def after_epoch(now: Snapshot, ua: np.ndarray) -> Snapshot:
    """What is known at the end of an epoch with the validation UA [seeds, trials]."""
    fine = ~now.failed.any(axis=-1)
    loss = np.where(fine, now.total, np.nan) / np.maximum(now.rows, 1)
    return now._replace(
        loss=np.concatenate([now.loss, loss[..., None]], axis=-1),
        validation_ua=np.concatenate([now.validation_ua, ua[..., None]], axis=-1),
        total=np.zeros_like(now.total),
        rows=np.zeros_like(now.rows),
    )


def pack(snapshot: Snapshot) -> bytes:
    """The snapshot as bytes."""
    arrays = snapshot._asdict()
    for name in ("leaves", "best"):
        leaves = arrays.pop(name)
        arrays |= {f"{name}{n:04}": leaf for n, leaf in enumerate(leaves)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def unpack(packed: bytes) -> Snapshot:
    """What `pack` made bytes of."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        said: dict[str, Any] = {name: file[name] for name in file.files}
    lists: dict[str, Any] = {
        name: [
            said.pop(key) for key in sorted(said) if key.rstrip("0123456789") == name
        ]
        for name in ("leaves", "best")
    }
    epoch, step = int(said.pop("epoch")), int(said.pop("step"))
    return Snapshot(epoch, step, **said, **lists)
