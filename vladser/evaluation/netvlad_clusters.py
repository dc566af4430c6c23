"""Where the clusters of trained NetVLADs go in time, and by emotion."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import masking, model
from vladser.aggregators import netvlad
from vladser.condition import Condition
from vladser.data import dataset
from vladser.engine import experiment, results, sweep, timeblocks, training_step
from vladser.engine.design import Design
from vladser.engine.on_devices import OnDevices
from vladser.engine.results import Results
from vladser.engine.timeblocks import Blocks
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation.clustering import adjusted_rand
from vladser.registry import encoders
from vladser.types import Array, Buffer, Spec, Trial

BINS = 10  # parts that an utterance's time is cut into


class Clusters(NamedTuple):
    """Of the test utterances of one condition, over seeds S and folds F.

    Attributes:
      utterances: [F, E] how many of each emotion.
      assignment: [S, F, E, K, BINS] float32, the mean share of each tenth of the time
        that goes to each cluster; NaN for an emotion that the fold does not test.
      adjusted_rand: [S, F] between an utterance's emotion and its dominant cluster,
        which has the largest share of its time; see `clustering.adjusted_rand`.
      untrained_rand: [S, F] the same before the first step.
    """

    utterances: np.ndarray
    assignment: np.ndarray
    adjusted_rand: np.ndarray
    untrained_rand: np.ndarray


def applies(condition: Condition) -> bool:
    """Returns whether a condition has clusters to look at, of whole utterances."""
    streams = encoders.build(condition.encoder).recurrence is not None
    netvlad, whole = condition.aggregator.name == "netvlad", condition.pieces.name
    return netvlad and whole == "whole" and streams


def of_results(
    design: Design, trained: Iterable[tuple[TrialBatch, Results]]
) -> Iterator[tuple[int, Clusters]]:
    """Yields the place and the clusters of each condition that has any, from results
    with parameters where `applies`.

    All trials of a program are computed at once, without noise and dropout.
    """
    trained = list(trained)
    for places in design.programs() if any(len(f.test) for f in design.folds) else []:
        leaves = results.merge_params(trained, design, places)
        if leaves and applies(design.conditions[places[0]]):
            yield from _of_program(design, places, leaves)


def _of_program(
    design: Design, places: list[int], leaves: list[np.ndarray]
) -> Iterator[tuple[int, Clusters]]:
    seeds, _, folds = design.shape
    batch = TrialBatch(range(seeds), places, range(folds))
    rows, plan, trials = experiment.prepare(design, batch)
    data = rows.data
    spec = design.specification(places[0])
    block = OnDevices(data, plan, trials, spec)
    untrained = sweep.init(trials, spec=spec, mesh=block.mesh).params
    flat = [leaf.reshape(*block.shape, *leaf.shape[3:]) for leaf in leaves]
    trained = block.to_devices(untrained, flat)
    # [fold][S, C, n, K, BINS] for each of the two.
    after, before = (block.evaluate(_shares, p, "test") for p in (trained, untrained))
    labels = [data.label[fold.test] for fold in plan.folds]
    emotions = len(data.emotions)
    for number, place in enumerate(places):
        mine, first = ([of[:, number] for of in shares] for shares in (after, before))
        means = map(_by_emotion, mine, labels, [emotions] * folds)
        clusters = Clusters(
            utterances=np.stack([np.bincount(of, minlength=emotions) for of in labels]),
            assignment=np.stack([*means], axis=1),
            adjusted_rand=np.stack([*map(_rand, mine, labels)], axis=1),
            untrained_rand=np.stack([*map(_rand, first, labels)], axis=1),
        )
        yield place, clusters


def _shares(
    params: model.Params,
    spec: Spec,
    trial: Trial,
    buffer: Buffer,
    rows: Array,
    blocks: Blocks,
) -> Array:
    """Returns the mean share of each cluster in each tenth of each utterance's time,
    [slices, B, K, BINS], for `sweep.evaluate`."""
    recurrence = model.dropping(encoders.build(spec.encoder).recurrence)

    def of_slice(rows):
        length = jnp.where(rows >= 0, buffer.length[rows], 0)

        def block(index, state):
            carry, shares = state
            start, size = index * blocks.frames, blocks.frames
            frames, mask = dataset.gather(buffer, rows, start, size)
            frames = masking.clean(training_step.standardize(frames, trial), mask)
            encoder = params.encoder
            of_block = encoder, carry, frames, mask
            saved = recurrence.residuals(*of_block)
            outputs, carry = recurrence.update(*of_block, saved)
            assignment = netvlad.assign(params.aggregator, outputs)
            tenths = _tenths(start + jnp.arange(size), length)
            here = jnp.einsum("tbk,tbn->bkn", assignment, tenths)
            return carry, shares + here

        clusters = params.aggregator.c.shape[0]
        shares = jnp.zeros((len(rows), clusters, BINS))
        state = recurrence.start(params.encoder, len(rows)), shares
        count = timeblocks.count(blocks, length.max())
        return jax.lax.fori_loop(0, count, block, state)[1]

    return jax.lax.map(of_slice, rows)


def _tenths(time: Array, length: Array) -> Array:
    """Returns the part of each tenth of utterances of `length` [B] that the frames at
    `time` [T] fill, [T, B, BINS]: a frame may reach into several."""
    length = jnp.maximum(length, 1)[:, None]
    begin, end = (BINS * t[:, None, None] / length for t in (time, time + 1))
    tenth = jnp.arange(BINS)
    return jnp.maximum(jnp.minimum(end, tenth + 1) - jnp.maximum(begin, tenth), 0)


def _by_emotion(shares: np.ndarray, labels: np.ndarray, emotions: int) -> np.ndarray:
    """Returns the mean of the shares [S, n, K, BINS] of each emotion's utterances,
    [S, E, K, BINS]; NaN for an emotion without any."""
    utterances = np.bincount(labels, minlength=emotions)
    total = np.zeros((emotions, *np.delete(shares.shape, 1)))
    np.add.at(total, labels, np.moveaxis(shares, 1, 0))
    mean = total / np.where(utterances > 0, utterances, np.nan)[:, None, None, None]
    return np.moveaxis(mean, 0, 1).astype(np.float32)


def _rand(shares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the adjusted Rand index [S] of the shares [S, n, K, BINS]."""
    dominant = shares.sum(axis=-1).argmax(axis=-1)
    return np.array([adjusted_rand(labels, of_seed) for of_seed in dominant])
