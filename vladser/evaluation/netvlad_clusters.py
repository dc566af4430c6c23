"""Where the clusters of trained NetVLADs go in time, and by emotion."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import masking, model
from vladser.aggregators import netvlad
from vladser.condition import Condition
from vladser.data import batches, dataset
from vladser.engine import timeblocks, training_step
from vladser.engine import trials as trials_of
from vladser.engine.timeblocks import BLOCK
from vladser.evaluation.clustering import adjusted_rand
from vladser.registry import encoders
from vladser.types import Array, Buffer, Dataset, Spec, Trial

BINS = 10  # parts that an utterance's time is cut into


class Clusters(NamedTuple):
    """Of the test utterances of seeds x conditions x folds."""

    utterances: np.ndarray  # [S, C, F, E] how many of each emotion
    # [S, C, F, E, K, BINS] float32, the mean share of the frames in each tenth of the
    # time that goes to each cluster; NaN for an emotion that the fold does not test
    assignment: np.ndarray
    # [S, C, F] between an utterance's dominant cluster, which has the largest share of
    # its time, and its emotion; see `clustering.adjusted_rand`
    adjusted_rand: np.ndarray


def of_trials(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    trials: Trial,
    params: model.Params,
) -> Clusters | None:
    """Computes them for the trials of one `experiment.run`, without noise and dropout.

    Args:
      corpus: as the trials saw it, see `dataset.standardize_by_speaker`.
      conditions, plan: those of the run.
      trials, params: of its `experiment.Outcome`.

    Returns:
      None if the pooling is not NetVLAD, or nothing is tested.
    """
    tested = any(len(fold.test) for fold in plan.folds)
    if not tested or not isinstance(params.aggregator, netvlad.Params):
        return None
    spec = trials_of.specification(corpus, conditions)
    rows = np.stack([step[0] for step in plan.evaluation("test")], axis=1)
    buffer = dataset.to_device(corpus)
    found = []
    for place in np.ndindex(trials.seed.shape):
        one, trial = jax.tree.map(lambda x, at=place: x[at], (params, trials))
        tested = rows[place[1] % len(plan.folds)]
        shares = np.asarray(_shares(one, trial, buffer, tested, spec=spec))
        live = tested >= 0
        labels = corpus.label[tested[live]]
        found.append(_by_emotion(shares[live], labels, len(corpus.emotions)))
    shape = len(plan.seeds), len(conditions), len(plan.folds)
    return Clusters(
        *(
            np.stack(part).reshape(*shape, *np.shape(part[0]))
            for part in zip(*found, strict=True)
        )
    )


@partial(jax.jit, static_argnames="spec")
def _shares(
    params: model.Params, trial: Trial, buffer: Buffer, rows: Array, *, spec: Spec
) -> Array:
    """The mean share of each cluster in each tenth of each utterance's time.

    Args:
      rows: [steps, B] int, utterances; -1 is an empty row.

    Returns:
      [steps, B, K, BINS].
    """

    recurrence = encoders.build(spec.encoder).recurrence

    def of_batch(rows):
        length = jnp.where(rows >= 0, buffer.length[rows], 0)

        def block(index, state):
            carry, shares = state
            start = index * BLOCK
            frames, mask = dataset.gather(buffer, rows, start, BLOCK)
            frames = masking.clean(training_step.standardize(frames, trial), mask)
            saved = model.residuals(params, spec, carry, frames, mask)
            outputs, _ = recurrence.update(
                params.encoder, carry.encoder, frames, mask, saved
            )
            carry, _ = model.update(params, spec, carry, frames, mask, saved)
            assignment = netvlad.assign(params.aggregator, outputs)
            tenths = _tenths(start + jnp.arange(BLOCK), length)
            here = jnp.einsum("tbk,tbn->bkn", assignment, tenths)
            return carry, shares + here

        clusters = params.aggregator.c.shape[0]
        shares = jnp.zeros((len(rows), clusters, BINS))
        state = model.start(params, spec, len(rows)), shares
        return jax.lax.fori_loop(0, timeblocks.count(length.max()), block, state)[1]

    return jax.lax.map(of_batch, rows)


def _tenths(time: Array, length: Array) -> Array:
    """The part of each tenth of utterances of `length` [B] that frames at `time` [T]
    fill, [T, B, BINS]. A frame belongs to two tenths, or to several if there are fewer
    frames than tenths, by the time that it spends in each."""
    length = jnp.maximum(length, 1)[:, None]
    begin, end = (BINS * t[:, None, None] / length for t in (time, time + 1))
    tenth = jnp.arange(BINS)
    return jnp.maximum(jnp.minimum(end, tenth + 1) - jnp.maximum(begin, tenth), 0)


def _by_emotion(shares: np.ndarray, labels: np.ndarray, emotions: int) -> Clusters:
    """Those of one trial, from the shares [N, K, BINS] of its utterances."""
    utterances = np.bincount(labels, minlength=emotions)
    total = np.zeros((emotions, *shares.shape[1:]))
    np.add.at(total, labels, shares)
    mean = total / np.where(utterances > 0, utterances, np.nan)[:, None, None]
    dominant = shares.sum(axis=-1).argmax(axis=-1)
    found = adjusted_rand(labels, dominant)
    return Clusters(utterances, mean.astype(np.float32), np.array(found))
