"""An experiment on the host: epochs, validation and evaluation of its trials.

`run` yields what happens as it happens: `Compiled`, then `Step`s and `Epoch`s, where
asked a `Checkpoint`, at last an `Outcome`.

A trial whose loss or gradient is not finite has failed: it is trained no further, and
the others go on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

import jax
import numpy as np

from vladser import metrics, model, registry
from vladser.data.batches import Plan
from vladser.data.cutting import Rows
from vladser.engine import design, events, reading, sweep
from vladser.engine.design import Design
from vladser.engine.events import Checkpoint, Compiled, Epoch, Event, Outcome, Step
from vladser.engine.on_devices import OnDevices
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.readouts.softmax import softmax
from vladser.types import Fold, PyTree, Trial


def run(
    whole: Design,
    batch: TrialBatch | None = None,
    *,
    due: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
) -> Iterator[Event]:
    """Trains every condition on every fold with every seed, and tests it.

    Args:
      whole: the experiment.
      batch: which of its trials, whose conditions share one program; all by default.
      due: asked after each epoch; a Checkpoint is yielded where it says so.
      resume: a Checkpoint of the same trials, to go on from.

    Raises:
      InputError: see `Design.check`.
    """
    batch = batch or TrialBatch(*map(range, whole.shape))
    whole.check(batch.conditions)
    rows, plan, trials = prepare(whole, batch)
    spec = whole.specification(batch.conditions[0])
    on_devices = OnDevices(rows.data, plan, trials, spec)
    folds = [whole.folds[place] for place in batch.folds]
    of_fold = on_devices, rows, folds
    states = sweep.init(trials, spec=spec, mesh=on_devices.mesh)
    begin = time.perf_counter()
    states = on_devices.warm_up(states)
    yield Compiled(time.perf_counter() - begin)

    now = resume or events.beginning(*on_devices.shape)
    if resume:
        states = on_devices.to_devices(states, resume.leaves)
    on_devices.rows, on_devices.leaked = now.rows.copy(), now.leaked.copy()
    for epoch in range(now.epoch + 1, plan.epochs + 1):
        failed = now.failed.copy()
        states, loss = yield from _epoch(on_devices, states, failed, epoch)
        ua, best = np.full(on_devices.shape, np.nan), now.best
        if whole.validation:
            ua = _validation_ua(*of_fold, states.params)
            better = ua > now.validation_ua.max(axis=-1, initial=-np.inf)
            here = jax.tree.leaves(on_devices.to_host(states.params))
            best = _chosen(better, here, now.best or here)
        now = Checkpoint(
            epoch=epoch,
            loss=np.dstack([now.loss, loss]),
            validation_ua=np.dstack([now.validation_ua, ua]),
            failed=failed,
            rows=on_devices.rows.copy(),
            leaked=on_devices.leaked.copy(),
            leaves=[],
            best=best,
        )
        yield Epoch(epoch, loss, ua)
        if due():
            leaves = jax.tree.leaves(on_devices.to_host(states))
            yield now._replace(leaves=leaves)

    params, chosen = states.params, np.full(on_devices.shape, now.epoch)
    if whole.validation:
        params = on_devices.to_devices(params, now.best)
        chosen = now.validation_ua.argmax(axis=-1) + 1  # the earliest of the best
    readouts = [
        registry.readouts.build(whole.conditions[place].readout)
        for place in batch.conditions
    ]
    read = reading.read(*of_fold, readouts, params, "test")
    params = on_devices.to_host(params)
    failed = _failed(now.failed, plan, params, read.finite)
    loss = now.loss.copy()
    loss[failed[..., 0] == plan.epochs, -1] = np.nan
    for number, tested in enumerate(read.probabilities):
        tested[failed[:, number :: len(plan.folds), 0] > 0] = np.nan
    by_trial = Results(
        epoch=chosen,
        failed=failed,
        loss=loss,
        validation_ua=now.validation_ua,
        rows=now.rows,
        leaked=now.leaked,
        probabilities=[],
        params=jax.tree.leaves(params),
    )
    by_fold = jax.tree.map(
        lambda x: x.reshape(*map(len, batch), *x.shape[2:]), by_trial
    )
    results = by_fold._replace(probabilities=read.probabilities)
    yield Outcome(trials, params, read.fitted, results)


def prepare(whole: Design, batch: TrialBatch | None = None) -> tuple[Rows, Plan, Trial]:
    """Returns the rows, the schedule and the trials of a batch, [seeds, conditions x
    folds, ...]; the arguments are those of `run`."""
    seeds, conditions, folds = batch or map(range, whole.shape)
    dataset = whole.datasets[conditions[0]]
    data, moments = design.standardized(whole, dataset)
    plan = whole.plan(conditions[0]).only(seeds, folds)
    chosen = [whole.conditions[place] for place in conditions]
    of_utterances = [whole.folds[place] for place in folds]
    trials = design.rectangle(dataset, moments, chosen, of_utterances, plan.seeds)
    # Cut before standardization, which changes the frames alone.
    rows = whole.rows(conditions[0])
    rows = rows._replace(data=replace(rows.data, frames=data.frames))
    return rows, plan, trials


def _epoch(on_devices: OnDevices, states, failed: np.ndarray, epoch: int):
    """Trains an epoch: yields its Steps, and notes in `failed` where trials failed.
    Returns the states, and the loss of each trial, averaged over its rows."""
    lengths = on_devices.plan.lengths
    coupled = model.coupled(on_devices.spec)

    def dispatched():
        nonlocal states
        for index, rows_of_folds in enumerate(on_devices.plan.epoch(epoch)):
            rows = on_devices.of_trials(rows_of_folds, failed)
            states, loss = on_devices.train_step(states, rows, epoch, index)
            yield index, rows, loss

    total, count = np.zeros(on_devices.shape), np.zeros(on_devices.shape)
    clock = time.perf_counter()
    # The device works on the next step while the host looks at the one before.
    for (index, rows, loss), _ in pairwise(chain(dispatched(), [None])):
        losses, live = on_devices.to_host(loss), rows >= 0
        begin, clock = clock, time.perf_counter()
        finite, trained = np.isfinite(losses), live.sum(axis=2)
        failed[~finite & ~failed.any(axis=-1)] = epoch, index + 1
        total += np.where(finite, losses, 0) * trained
        count += trained
        yield Step(
            epoch=epoch,
            frames=int(np.where(live, lengths[rows], 0).sum()),
            computed=sweep.computed(lengths, rows, on_devices.mesh, coupled),
            seconds=clock - begin,
        )
    total[failed.any(axis=-1)] = np.nan
    return states, total / np.maximum(count, 1)


def _chosen(mask: np.ndarray, new, old) -> list[np.ndarray]:
    """Returns the leaves `new` where the mask [seeds, trials] is True, else `old`."""
    return [
        np.where(np.expand_dims(mask, tuple(range(2, np.ndim(a)))), a, b)
        for a, b in zip(new, old, strict=True)
    ]


def _failed(
    failed: np.ndarray, plan: Plan, params: PyTree, finite: np.ndarray
) -> np.ndarray:
    """Adds the trials whose last step made their parameters, or what is read out of
    them, NaN or infinite."""
    bad = ~finite.reshape(failed.shape[:2])
    for leaf in jax.tree.leaves(params):
        bad |= ~np.isfinite(leaf).all(axis=tuple(range(2, leaf.ndim)))
    failed = failed.copy()
    failed[bad & ~failed.any(axis=-1)] = plan.epochs, plan.steps
    return failed


def _validation_ua(
    on_devices: OnDevices, rows: Rows, folds: Sequence[Fold], params
) -> np.ndarray:
    """Returns the UA of each trial on the validation set of its fold, by the network's
    own probabilities: other readouts are fitted after the last epoch."""
    readouts = [softmax()] * on_devices.conditions
    read = reading.read(on_devices, rows, folds, readouts, params, "validation")
    ua = np.empty((on_devices.shape[0], on_devices.conditions, len(folds)))
    for seed, condition, fold in np.ndindex(ua.shape):
        label = rows.labels[folds[fold].validation]
        predicted = read.probabilities[fold][seed, condition].argmax(axis=-1)
        matrix = metrics.confusion(label, predicted, rows.classes)
        ua[seed, condition, fold] = metrics.ua(matrix)
    return ua.reshape(on_devices.shape)
