"""An experiment on the host: epochs, validation and evaluation of all its trials.

`run` yields what happens as it happens: `Compiled`, then `Step`s and `Epoch`s, where
asked a `Snapshot`, at last an `Outcome`.

A trial whose loss or gradient is not finite has failed: it is trained no further, and
the others go on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import jax
import numpy as np

from vladser import metrics
from vladser.condition import Condition
from vladser.data import batches, dataset
from vladser.data.dataset import Moments
from vladser.engine import snapshot, sweep
from vladser.engine import trials as trials_of
from vladser.engine.events import Compiled, Epoch, Event, Outcome, Step
from vladser.engine.on_devices import Block
from vladser.engine.snapshot import Snapshot
from vladser.errors import InputError
from vladser.evaluation import netvlad_clusters
from vladser.types import Array, Dataset, Fold

STANDARDIZE = ("train", "speaker")


def run(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    *,
    standardize: str = "train",
    validation: bool = False,
    devices: Sequence[jax.Device] | None = None,
    due: Callable[[], bool] = lambda: False,
    resume: Snapshot | None = None,
) -> Iterator[Event]:
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
      due: asked before each step; a Snapshot is yielded where it says so.
      resume: a Snapshot of the same arguments, to go on from.

    Raises:
      InputError: an unknown `standardize`, or no utterances to validate on.
    """
    for fold in plan.folds if validation else []:
        if not len(fold.validation):
            raise InputError(
                f"holding out {fold.held_out}: no utterance to validate on"
            )
    corpus, moments = _standardized(corpus, standardize)
    trials = trials_of.rectangle(corpus, moments, conditions, plan.folds, plan.seeds)
    block = Block(corpus, conditions, trials, devices)
    states = sweep.init(trials, spec=block.spec, mesh=block.mesh)
    begin = time.perf_counter()
    states = block.warm_up(states, plan.batch_size)
    yield Compiled(time.perf_counter() - begin)

    now, best = snapshot.beginning(block.shape), None
    if resume:
        states = block.to_devices(states, resume.leaves)
        best = block.to_devices(states.params, resume.best) if resume.best else None
        now = resume._replace(leaves=[], best=[])
    done = now.step
    for epoch in range(now.epoch, plan.epochs + 1):
        now = now._replace(epoch=epoch)
        # Of what is under way: the device works on a step while the host looks at the
        # one before.
        clock = time.perf_counter()
        pending: tuple[int, np.ndarray, Array] | None = None
        for index, rows in enumerate(plan.epoch(epoch)):
            if index < done:
                continue
            if due():
                if pending:
                    now, step, clock = _finished(block, plan, now, *pending, clock)
                    yield step
                    pending = None
                leaves = jax.tree.leaves(block.to_host(states))
                kept = jax.tree.leaves(block.to_host(best)) if best else []
                yield now._replace(step=index, leaves=leaves, best=kept)
                clock = time.perf_counter()
            rows = block.rows(rows, now.failed)
            states, loss = block.train_step(states, rows, epoch, index)
            if pending:
                now, step, clock = _finished(block, plan, now, *pending, clock)
                yield step
            pending = index, rows, loss
        assert pending  # for there is no epoch without a step
        now, step, clock = _finished(block, plan, now, *pending, clock)
        yield step
        done = 0
        ua = np.full(trials.seed.shape, np.nan)
        if validation:
            found = block.predict(states.params, plan.evaluation("validation"))
            ua = _ua(corpus, plan.folds, "validation", found)
            better = ua > now.best_ua
            best = block.choose(better, states.params, best or states.params)
            now = now._replace(
                best_ua=np.fmax(ua, now.best_ua),
                chosen=np.where(better, epoch, now.chosen),
            )
        now = snapshot.after_epoch(now, ua)
        yield Epoch(epoch, now.loss[..., -1], ua)

    params = best if validation else states.params
    probabilities = block.predict(params, plan.evaluation("test"))
    now = _tested(now, plan, probabilities)
    probabilities[now.failed.any(axis=-1)] = np.nan
    params = block.to_host(params)
    of_clusters = partial(netvlad_clusters.of_trials, corpus, conditions, plan, trials)
    first = sweep.init(trials, spec=block.spec, mesh=block.mesh)
    yield Outcome(
        trials=trials,
        params=params,
        loss=now.loss,
        validation_ua=now.validation_ua,
        epoch=now.chosen if validation else np.full(trials.seed.shape, now.epoch),
        failed=now.failed,
        probabilities=probabilities,
        clusters=of_clusters(params),
        untrained=of_clusters(block.to_host(first.params)),
    )


def _finished(
    block: Block,
    plan: batches.Plan,
    now: Snapshot,
    index: int,
    rows: np.ndarray,
    loss: Array,
    clock: float,
) -> tuple[Snapshot, Step, float]:
    """Waits for a step: what is known after it, the event, and the time."""
    losses, live = block.to_host(loss), rows >= 0
    count, end = live.sum(axis=2), time.perf_counter()
    step = Step(
        epoch=now.epoch,
        loss=losses,
        rows=count,
        frames=int(np.where(live, plan.lengths[rows], 0).sum()),
        computed=sweep.computed(plan.lengths, rows, block.mesh),
        seconds=end - clock,
    )
    return snapshot.after_step(now, index, losses, count), step, end


def _tested(now: Snapshot, plan: batches.Plan, probabilities: np.ndarray) -> Snapshot:
    """Trials whose last step spoilt their parameters have failed in it."""
    failed = now.failed.copy()
    for trial in range(failed.shape[1]):
        test = plan.folds[trial % len(plan.folds)].test
        bad = np.isnan(probabilities[:, trial, test]).any(axis=(1, 2))
        new = bad & ~failed[:, trial].any(axis=-1)
        failed[new, trial] = plan.epochs, plan.steps
    return now._replace(failed=failed)


def _standardized(corpus: Dataset, by: str) -> tuple[Dataset, Moments | None]:
    """The corpus, and the moments that a fold's scaler is to come from, if any."""
    if by not in STANDARDIZE:
        raise InputError(f"unknown standardize {by!r}: one of {', '.join(STANDARDIZE)}")
    if by == "speaker":
        return dataset.standardize_by_speaker(corpus), None
    return corpus, dataset.moments(corpus)


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
