"""An experiment on the host: epochs, validation and evaluation of all its trials.

`run` yields what happens as it happens: `Compiled`, then `Step`s and `Epoch`s, at last
an `Outcome`. Arrays of trials are [seeds, conditions x folds], see `vladser.trials`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vladser import batches, clusters, dataset, metrics, model, sweep
from vladser import trials as trials_of
from vladser.chunked import CHUNK
from vladser.clusters import Clusters
from vladser.dataset import Moments
from vladser.errors import InputError, TrainingError
from vladser.types import Array, Condition, Dataset, Fold, PyTree, State, Trial

STANDARDIZE = ("train", "speaker")


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


class Epoch(NamedTuple):
    """All trials finished an epoch."""

    epoch: int  # counted from 1
    loss: np.ndarray  # [seeds, trials], the average over the training rows
    validation_ua: np.ndarray | None  # [seeds, trials]
    # Of its training steps and what the caller does between them; evaluation and
    # compilation left out.
    seconds: float


class Outcome(NamedTuple):
    """The trained trials and what they say of their test utterances."""

    trials: Trial  # [seeds, trials, ...] as they were trained
    params: model.Params  # [seeds, trials, ...]
    epoch: np.ndarray  # [seeds, trials] the epoch whose parameters these are, from 1
    probabilities: np.ndarray  # [seeds, trials, N, classes]; NaN where not tested
    clusters: Clusters | None  # of NetVLAD on the test utterances


def run(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    *,
    standardize: str = "train",
    validation: bool = False,
    devices: Sequence[jax.Device] | None = None,
) -> Iterator[Compiled | Step | Epoch | Outcome]:
    """Trains every condition on every fold with every seed, and tests it.

    Args:
      corpus: with all utterances of the plan's folds.
      conditions: they share one program, see `trials.specification`.
      plan: the folds, the seeds, the epochs, and what is in each minibatch.
      standardize: "train" (by the fold's training frames) or "speaker" (each speaker by
        their own frames: transductive).
      validation: keep the parameters of the epoch with the best UA on the fold's
        validation part, the earliest on ties, instead of those of the last epoch.
      devices: those that share the trials; all local ones by default.

    Raises:
      InputError: an unknown `standardize`, or no utterances to validate on.
      TrainingError: a loss is not finite; names the trial.
    """
    for fold in plan.folds if validation else []:
        if not len(fold.validation):
            raise InputError(
                f"holding out {fold.held_out}: no utterance to validate on"
            )
    corpus, moments = _standardized(corpus, standardize)
    trials = trials_of.rectangle(corpus, moments, conditions, plan.folds, plan.seeds)
    block = _Block(corpus, conditions, trials, devices)
    states = sweep.init(trials, spec=block.spec, mesh=block.mesh)
    begin = time.perf_counter()
    states = block.warm_up(states, plan.batch_size)
    yield Compiled(time.perf_counter() - begin)

    chosen = np.full(trials.seed.shape, plan.epochs)
    best, best_ua = None, np.full(trials.seed.shape, -np.inf)
    for epoch in range(1, plan.epochs + 1):
        begin, steps, pending = time.perf_counter(), [], None
        for index, rows in enumerate(plan.epoch(epoch)):
            states, loss = block.train_step(states, rows, epoch, index)
            # The device works on this step while the host looks at the one before.
            if pending:
                steps.append(_finished(block, plan, conditions, epoch, *pending))
                yield steps[-1]
            pending = rows, loss
        steps.append(_finished(block, plan, conditions, epoch, *pending))
        yield steps[-1]
        seconds, ua = time.perf_counter() - begin, None
        if validation:
            found = block.predict(states.params, plan.evaluation("validation"))
            ua = _ua(corpus, plan.folds, "validation", found)
            better = ua > best_ua
            best = block.choose(better, states.params, best or states.params)
            best_ua, chosen = np.fmax(ua, best_ua), np.where(better, epoch, chosen)
        rows = np.sum([step.rows for step in steps], axis=0)
        loss = np.sum([step.loss * step.rows for step in steps], axis=0) / rows
        yield Epoch(epoch, loss, ua, seconds)

    params = best if validation else states.params
    probabilities = block.predict(params, plan.evaluation("test"))
    params = block.to_host(params)
    found = clusters.of_trials(corpus, conditions, plan, trials, params)
    yield Outcome(trials, params, chosen, probabilities, found)


def _standardized(corpus: Dataset, by: str) -> tuple[Dataset, Moments | None]:
    """The corpus, and the moments that a fold's scaler is to come from, if any."""
    if by not in STANDARDIZE:
        raise InputError(f"unknown standardize {by!r}: one of {', '.join(STANDARDIZE)}")
    if by == "speaker":
        return dataset.standardize_by_speaker(corpus), None
    return corpus, dataset.moments(corpus)


class _Block:
    """The rectangle of trials on the devices: numpy in, numpy out, padding unseen."""

    def __init__(
        self,
        corpus: Dataset,
        conditions: Sequence[Condition],
        trials: Trial,
        devices: Sequence[jax.Device] | None,
    ):
        self.shape = trials.seed.shape
        self.conditions = len(conditions)
        self.utterances = len(corpus.label)
        self.spec = trials_of.specification(corpus, conditions)
        self.mesh = sweep.mesh(*self.shape, devices)
        self.trials = sweep.place(self.mesh, trials)
        self.capacity = -(-int(corpus.length.max()) // CHUNK)
        self.buffer = dataset.to_device(corpus, sweep.everywhere(self.mesh))

    def warm_up(self, states: State, batch_size: int) -> State:
        """Compiles the training program by a step that has no live row, which leaves
        the states as they are."""
        seeds, trials = self.shape
        empty = np.full((seeds, trials // self.conditions, batch_size), -1, np.int32)
        states, _ = self.train_step(states, empty, 0, 0)
        return jax.block_until_ready(states)

    def train_step(
        self, states: State, rows: np.ndarray, epoch: int, index: int
    ) -> tuple[State, Array]:
        """See `sweep.train_step`; rows [seeds, folds, B]."""
        return sweep.train_step(
            states,
            self.trials,
            self.buffer,
            sweep.place(self.mesh, self.rows(rows), empty=-1),
            np.int32(epoch),
            np.int32(index),
            spec=self.spec,
            mesh=self.mesh,
            capacity=self.capacity,
        )

    def predict(self, params: PyTree, steps: Iterable[np.ndarray]) -> np.ndarray:
        """Probabilities [seeds, trials, N, classes]; NaN for rows not in `steps`."""
        shape = (*self.shape, self.utterances, self.spec.classes)
        probabilities = np.full(shape, np.nan, np.float32)
        for rows in map(self.rows, steps):
            found = sweep.predict(
                params,
                self.trials,
                self.buffer,
                sweep.place(self.mesh, rows, empty=-1),
                spec=self.spec,
                mesh=self.mesh,
                capacity=self.capacity,
            )
            seed, trial, row = np.nonzero(rows >= 0)
            found = self.to_host(found)[seed, trial, row]
            probabilities[seed, trial, rows[seed, trial, row]] = found
        return probabilities

    def choose(self, mask: np.ndarray, new: PyTree, old: PyTree) -> PyTree:
        """`new` for the trials that the mask [seeds, trials] names, else `old`."""
        return _choose(sweep.place(self.mesh, mask), new, old)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """[seeds, folds, B] -> [seeds, trials, B]."""
        return np.tile(rows, (1, self.conditions, 1))

    def to_host(self, tree: PyTree) -> PyTree:
        seeds, trials = self.shape
        return jax.tree.map(lambda x: np.asarray(x)[:seeds, :trials], tree)


@jax.jit
def _choose(mask: Array, new: PyTree, old: PyTree) -> PyTree:
    def leaf(new, old):
        return jnp.where(jnp.expand_dims(mask, range(2, new.ndim)), new, old)

    return jax.tree.map(leaf, new, old)


def _finished(
    block: _Block,
    plan: batches.Plan,
    conditions: Sequence[Condition],
    epoch: int,
    rows: np.ndarray,
    loss: Array,
) -> Step:
    loss, rows = block.to_host(loss), block.rows(rows)
    for place in np.argwhere(~np.isfinite(loss)):
        name = trials_of.name(conditions, plan.folds, plan.seeds, tuple(place))
        raise TrainingError(
            f"{name}: the loss is {loss[*place]} in epoch {epoch}; "
            "a smaller learning rate may help"
        )
    live = rows >= 0
    frames = int(np.where(live, plan.lengths[rows], 0).sum())
    computed = sweep.computed(plan.lengths, rows, block.mesh)
    return Step(epoch, loss, live.sum(axis=2), frames, computed)


def _ua(
    corpus: Dataset, folds: Sequence[Fold], part: str, probabilities: np.ndarray
) -> np.ndarray:
    """UA of each trial on a part of its fold, [seeds, trials]."""
    seeds, trials, _, classes = probabilities.shape
    ua = np.empty((seeds, trials))
    for trial in range(trials):
        rows = getattr(folds[trial % len(folds)], part)
        predicted = probabilities[:, trial, rows].argmax(axis=-1)
        for seed in range(seeds):
            ua[seed, trial] = metrics.ua(
                metrics.confusion(corpus.label[rows], predicted[seed], classes)
            )
    return ua
