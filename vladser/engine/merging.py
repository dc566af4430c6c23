"""What the chunks of an experiment found, as one."""

import hashlib
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import numpy as np

from vladser.condition import Condition
from vladser.data import batches
from vladser.engine.events import Outcome
from vladser.engine.trial_batches import Chunk
from vladser.evaluation.netvlad_clusters import BINS
from vladser.types import PyTree


class Results(NamedTuple):
    """What some trials, or all, led to. Axes [seeds, conditions, folds] come first."""

    epoch: np.ndarray  # [...] whose parameters were tested, from 1
    failed: np.ndarray  # [..., 2] epoch and step, from 1, of a failure; 0 without
    loss: np.ndarray  # [..., epochs]
    validation_ua: np.ndarray  # [..., epochs]; NaN without validation
    probabilities: np.ndarray  # [..., N, classes]; NaN where not tested
    parameters: np.ndarray  # [..., 32] uint8, the SHA-256 of the trained parameters
    # Of NetVLAD's clusters, see `netvlad_clusters`; NaN where there is none.
    adjusted_rand: np.ndarray  # [...]
    untrained_rand: np.ndarray  # [...] before the first step
    assignment: np.ndarray  # [..., classes, K of the largest, bins]


def of_chunk(chunk: Chunk, outcome: Outcome) -> Results:
    """The results of a chunk from its `experiment.run`."""
    axes = tuple(map(len, chunk))
    classes, clusters = outcome.probabilities.shape[-1], outcome.clusters
    if clusters is None:
        adjusted_rand = untrained_rand = np.full(axes, np.nan)
        assignment = np.empty((*axes, classes, 0, BINS), np.float32)
    else:
        adjusted_rand, assignment = clusters.adjusted_rand, clusters.assignment
        assert outcome.untrained  # as there are clusters
        untrained_rand = outcome.untrained.adjusted_rand
    names = "epoch", "failed", "loss", "validation_ua", "probabilities"
    arrays = {name: getattr(outcome, name) for name in names}
    return Results(
        **{name: a.reshape(*axes, *a.shape[2:]) for name, a in arrays.items()},
        parameters=_digests(outcome.params).reshape(*axes, -1),
        adjusted_rand=adjusted_rand,
        untrained_rand=untrained_rand,
        assignment=assignment,
    )


def _digests(params: PyTree) -> np.ndarray:
    """[seeds, trials, 32], of the leaves of each trial."""
    leaves = jax.tree.leaves(params)
    shape = leaves[0].shape[:2]
    found = np.empty((*shape, 32), np.uint8)
    for place in np.ndindex(shape):
        digest = hashlib.sha256(b"".join(leaf[place].tobytes() for leaf in leaves))
        found[place] = np.frombuffer(digest.digest(), np.uint8)
    return found


def part(chunk: Chunk, results: Results, inner: Chunk) -> Results:
    """The results of a chunk that lies within another, from those of the other."""
    places = np.ix_(
        *(
            [list(axis).index(place) for place in wanted]
            for axis, wanted in zip(chunk, inner, strict=True)
        )
    )
    return Results(*(field[places] for field in results))


def merge(
    parts: Iterable[tuple[Chunk, Results]],
    plan: batches.Plan,
    conditions: Sequence[Condition],
) -> Results:
    """The results of all trials from those of chunks that hold each trial once."""
    chunks, results = zip(*parts, strict=True)
    axes = len(plan.seeds), len(conditions), len(plan.folds)
    return Results(
        *(_merged(chunks, fields, axes) for fields in zip(*results, strict=True))
    )


def _merged(
    chunks: Sequence[Chunk], fields: Sequence[np.ndarray], axes: tuple[int, ...]
) -> np.ndarray:
    """One field of all chunks; what a chunk has less of than another is NaN."""
    largest = np.max([field.shape[3:] for field in fields], axis=0).astype(int)
    empty = np.nan if fields[0].dtype.kind == "f" else 0
    whole = np.full((*axes, *largest), empty, fields[0].dtype)
    for chunk, field in zip(chunks, fields, strict=True):
        places = np.ix_(*chunk, *map(range, field.shape[3:]))
        whole[places] = field
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
