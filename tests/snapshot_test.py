"""A training that goes on from a snapshot, against one that never stopped."""

from itertools import count

import jax
import numpy as np
import pytest
import toys

from vladser import aggregators, batches, events, experiment, folds, snapshot
from vladser.types import Condition

CONDITION = Condition(aggregators.parse("netvlad(clusters=2)"), cells=8)


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus()


def _plan(corpus, validation="none"):
    made = folds.make(corpus, "speaker", validation)
    return batches.plan(corpus.length, made, (0, 1), 3, 8)


def _run(corpus, plan, stop=-1, resume=None, validation="none"):
    """The events up to the snapshot before the step `stop`, counted from 0 over all
    epochs, or to the outcome."""
    first = (resume.epoch - 1) * plan.steps + resume.step if resume else 0
    asked = count(first)
    for event in experiment.run(
        corpus,
        [CONDITION],
        plan,
        due=lambda: next(asked) == stop,
        resume=resume,
        validation=validation == "partner",
    ):
        yield event
        if isinstance(event, snapshot.Snapshot):
            return


def _same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("validation", ["none", "partner"])
def test_it_goes_on_to_the_bit_wherever_it_was_stopped(corpus, validation):
    plan = _plan(corpus, validation)
    *whole, expected = _run(corpus, plan, validation=validation)
    steps = plan.steps
    found, resume = [], None
    # In an epoch, as it begins, twice at one place, and at the last step.
    for stop in (0, 1, 1, steps, 2 * steps + 1, 3 * steps - 1, -1):
        *some, last = _run(corpus, plan, stop, resume, validation)
        found += some
        if stop >= 0:
            resume = snapshot.unpack(snapshot.pack(last))
    for name in ("params", "loss", "validation_ua", "epoch", "probabilities"):
        _same(getattr(last, name), getattr(expected, name))
    for kind, fields in ((events.Step, 5), (events.Epoch, 3)):
        one, other = ([e for e in es if type(e) is kind] for es in (found, whole))
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _same(a[:fields], b[:fields])


def test_a_part_goes_on_as_it_would_have_among_all(corpus):
    plan = _plan(corpus)
    *_, expected = _run(corpus, plan)
    *_, now = _run(corpus, plan, stop=4)
    part = plan.part([1], [3, 0])
    *_, outcome = _run(corpus, part, resume=now.part([1], [3, 0]))
    _same(outcome.probabilities, expected.probabilities[np.ix_([1], [3, 0])])
    _same(outcome.loss, expected.loss[np.ix_([1], [3, 0])])
