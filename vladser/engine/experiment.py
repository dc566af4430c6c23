"""An experiment on the host: epochs, validation and evaluation of its trials.

`run` yields what happens as it happens: `Compiled`, then `Step`s and `Epoch`s, where
asked a `Checkpoint`, at last an `Outcome`.

A trial whose loss or gradient is not finite has failed: it is trained no further, and
the others go on.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from vladser import metrics
from vladser.data import dataset
from vladser.data.batches import Plan
from vladser.engine import checkpoint, design, sweep, training_step
from vladser.engine import trials as trials_of
from vladser.engine.checkpoint import Checkpoint
from vladser.engine.design import Design
from vladser.engine.events import Compiled, Epoch, Event, Outcome, Step
from vladser.engine.on_devices import OnDevices
from vladser.engine.trial_batches import TrialBatch
from vladser.types import Array, Dataset, PyTree, Trial


def run(
    whole: Design,
    batch: TrialBatch | None = None,
    *,
    devices: Sequence[jax.Device] | None = None,
    due: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
) -> Iterator[Event]:
    """Trains every condition on every fold with every seed, and tests it.

    Args:
      whole: the experiment.
      batch: which of its trials, whose conditions share one program; all by default.
      devices: those that share the trials; all local ones by default.
      due: asked after each epoch; a Checkpoint is yielded where it says so.
      resume: a Checkpoint of the same trials, to go on from.

    Raises:
      InputError: see `design.check`, or the conditions do not share one program.
    """
    design.check(whole)
    spec = trials_of.specification(whole, batch)
    data, plan, trials = prepare(whole, batch)
    block = OnDevices(data, plan, trials, spec, devices)
    states = sweep.init(trials, spec=spec, mesh=block.mesh)
    begin = time.perf_counter()
    states = block.warm_up(states)
    yield Compiled(time.perf_counter() - begin)

    now, best = resume or checkpoint.beginning(block.shape), None
    if resume:
        states = block.to_devices(states, resume.leaves)
        best = block.to_devices(states.params, resume.best) if resume.best else None
        block.rows, block.leaked = resume.rows.copy(), resume.leaked.copy()
        now = now._replace(leaves=[], best=[])
    for epoch in range(now.epoch + 1, plan.epochs + 1):
        states, loss, failed = yield from _epoch(block, states, now.failed, epoch)
        ua = np.full(block.shape, np.nan)
        if whole.validation:
            ua = _validation_ua(block, data, states.params)
            better = ua > now.best_ua
            best = block.choose(better, states.params, best or states.params)
            now = now._replace(
                best_ua=np.fmax(ua, now.best_ua),
                chosen=np.where(better, epoch, now.chosen),
            )
        now = now._replace(
            epoch=epoch,
            loss=np.concatenate([now.loss, loss[..., None]], axis=-1),
            validation_ua=np.concatenate([now.validation_ua, ua[..., None]], axis=-1),
            failed=failed,
        )
        yield Epoch(epoch, loss, ua)
        if due():
            yield now._replace(
                rows=block.rows.copy(),
                leaked=block.leaked.copy(),
                leaves=jax.tree.leaves(block.to_host(states)),
                best=jax.tree.leaves(block.to_host(best)) if best else [],
            )

    params = best if whole.validation else states.params
    probabilities = block.evaluate(training_step.predict, params, "test")
    params = block.to_host(params)
    failed = _failed(now.failed, plan, params, probabilities)
    loss = now.loss.copy()
    loss[failed[..., 0] == plan.epochs, -1] = np.nan
    yield Outcome(
        trials=trials,
        params=params,
        loss=loss,
        validation_ua=now.validation_ua,
        epoch=now.chosen if whole.validation else np.full(block.shape, now.epoch),
        failed=failed,
        rows=block.rows,
        leaked=block.leaked,
        probabilities=_without(failed, probabilities),
    )


def prepare(
    whole: Design, batch: TrialBatch | None = None
) -> tuple[Dataset, Plan, Trial]:
    """Returns the dataset, the schedule and the trials of a batch, [seeds, conditions x
    folds, ...]; the arguments are those of `run`."""
    seeds, conditions, folds = batch or map(range, whole.shape)
    data = whole.datasets[conditions[0]]
    plan = whole.plan(conditions[0]).part(seeds, folds)
    moments = None
    if whole.standardize == "speaker":
        data = dataset.standardize_by_speaker(data)
    else:
        moments = dataset.moments(data)
    chosen = [whole.conditions[place] for place in conditions]
    return (
        data,
        plan,
        trials_of.rectangle(data, moments, chosen, plan.folds, plan.seeds),
    )


def _epoch(block: OnDevices, states, failed: np.ndarray, epoch: int):
    """Trains an epoch: yields its Steps; returns the states, the loss of each trial,
    averaged over its rows, and where trials failed."""
    total, count, failed = np.zeros(block.shape), np.zeros(block.shape), failed.copy()
    # Of what is under way: the device works on a step while the host looks at the one
    # before.
    pending: tuple[int, np.ndarray, Array] | None = None
    clock = time.perf_counter()

    def finish(index: int, rows: np.ndarray, loss: Array) -> Step:
        nonlocal total, count, clock
        losses, live = block.to_host(loss), rows >= 0
        begin, clock = clock, time.perf_counter()
        finite = np.isfinite(losses)
        failed[~finite & ~failed.any(axis=-1)] = epoch, index + 1
        total = total + np.where(finite, losses, 0) * live.sum(axis=2)
        count = count + live.sum(axis=2)
        return Step(
            epoch=epoch,
            loss=losses,
            rows=live.sum(axis=2),
            frames=int(np.where(live, block.plan.lengths[rows], 0).sum()),
            computed=sweep.computed(block.plan.lengths, rows, block.mesh),
            seconds=clock - begin,
        )

    for index, of_folds in enumerate(block.plan.epoch(epoch)):
        rows = block.of_trials(of_folds, failed)
        states, loss = block.train_step(states, rows, epoch, index)
        if pending:
            yield finish(*pending)
        pending = index, rows, loss
    assert pending  # there is no epoch without a step
    yield finish(*pending)
    total = np.where(failed.any(axis=-1), np.nan, total)
    return states, total / np.maximum(count, 1), failed


def _failed(
    failed: np.ndarray,
    plan: Plan,
    params: PyTree,
    probabilities: Sequence[np.ndarray],
) -> np.ndarray:
    """Adds the trials whose last step spoilt their parameters: these are not finite, or
    what they give is not."""
    bad = np.zeros(failed.shape[:2], bool)
    for leaf in jax.tree.leaves(params):
        bad |= ~np.isfinite(leaf).all(axis=tuple(range(2, leaf.ndim)))
    for number, of_fold in enumerate(probabilities):
        bad[:, number :: len(plan.folds)] |= np.isnan(of_fold).any(axis=(2, 3))
    failed = failed.copy()
    failed[bad & ~failed.any(axis=-1)] = plan.epochs, plan.steps
    return failed


def _without(
    failed: np.ndarray, probabilities: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Puts NaN where trials failed."""
    folds = len(probabilities)
    return [
        np.where(failed[:, n::folds, :1, None] > 0, np.float32(np.nan), of_fold)
        for n, of_fold in enumerate(probabilities)
    ]


def _validation_ua(block: OnDevices, data: Dataset, params) -> np.ndarray:
    """UA of each trial on the validation part of its fold, [seeds, trials]."""
    probabilities = block.evaluate(training_step.predict, params, "validation")
    folds, classes = block.plan.folds, len(data.emotions)
    ua = np.empty((block.shape[0], block.conditions, len(folds)))
    for seed, condition, fold in np.ndindex(ua.shape):
        label = data.label[folds[fold].validation]
        predicted = probabilities[fold][seed, condition].argmax(axis=-1)
        matrix = metrics.confusion(label, predicted, classes)
        ua[seed, condition, fold] = metrics.ua(matrix)
    return ua.reshape(block.shape)
