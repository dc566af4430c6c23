"""A training that goes on from a snapshot, against one that never stopped."""

from itertools import count

import jax
import numpy as np
import pytest
import toys

from vladser.engine import events, experiment, snapshot

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def corpus():
    return toys.corpus()


def _run(corpus, plan, stop=-1, resume=None, **options):
    """The events up to the snapshot before the step `stop`, counted from 0 over all
    epochs, or to the outcome."""
    first = (resume.epoch - 1) * plan.steps + resume.step if resume else 0
    asked = count(first)
    for event in experiment.run(
        corpus,
        [toys.CONDITION],
        plan,
        due=lambda: next(asked) == stop,
        resume=resume,
        **options,
    ):
        yield event
        if isinstance(event, snapshot.Snapshot):
            return


def _same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.slow
@pytest.mark.parametrize("validation", ["none", "partner"])
def test_it_goes_on_to_the_bit_wherever_it_was_stopped(corpus, validation):
    plan = toys.plan(corpus, epochs=3, validation=validation)
    options = {"validation": validation == "partner"}
    *whole, expected = _run(corpus, plan, **options)
    steps = plan.steps
    found, resume = [], None
    # In an epoch, as it begins, twice at one place, and at the last step.
    for stop in (0, 1, 1, steps, 2 * steps + 1, 3 * steps - 1, -1):
        *some, last = _run(corpus, plan, stop, resume, **options)
        found += some
        if stop >= 0:
            assert (last.epoch - 1, last.step) == divmod(stop, steps)
            resume = snapshot.unpack(snapshot.pack(last))
    for name in ("params", "loss", "validation_ua", "epoch", "probabilities"):
        _same(getattr(last, name), getattr(expected, name))
    for kind, fields in ((events.Step, 5), (events.Epoch, 3)):
        one, other = ([e for e in es if type(e) is kind] for es in (found, whole))
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _same(a[:fields], b[:fields])


@pytest.mark.slow
def test_a_part_goes_on_as_it_would_have_among_all(corpus):
    plan = toys.plan(corpus, epochs=3)
    *_, expected = _run(corpus, plan)
    *_, now = _run(corpus, plan, stop=plan.steps + 1)
    part = [1, 0], [3]
    options = {"resume": now.part(*part), "devices": jax.devices()[:1]}
    *_, outcome = _run(corpus, plan.part(*part), **options)
    _same(outcome.probabilities, expected.probabilities[np.ix_(*part)])
    _same(outcome.loss, expected.loss[np.ix_(*part)])


def test_a_loss_that_is_not_finite_is_a_failure_of_the_first_step_that_has_one():
    now, rows = snapshot.beginning((1, 3)), np.array([[2, 2, 1]])
    for index, loss in enumerate([[1.0, 2.0, 4.0], [3.0, np.nan, 4], [5, 1, np.inf]]):
        now = snapshot.after_step(now, index, np.array([loss]), rows)
    np.testing.assert_array_equal(now.failed, [[[0, 0], [1, 2], [1, 3]]])
    now = snapshot.after_epoch(now, np.array([[0.5, 0.25, 0.125]]))
    np.testing.assert_array_equal(now.loss, [[[3.0], [np.nan], [np.nan]]])
    np.testing.assert_array_equal(now.validation_ua, [[[0.5], [0.25], [0.125]]])
    # The next epoch's mean is of its own rows.
    now = snapshot.after_step(now._replace(epoch=2), 0, np.array([[1.0, 2, 3]]), rows)
    now = snapshot.after_epoch(now, np.zeros((1, 3)))
    np.testing.assert_array_equal(now.loss[0, 0], [3, 1])
    np.testing.assert_array_equal(now.failed, [[[0, 0], [1, 2], [1, 3]]])


def test_the_mean_loss_of_an_epoch_weighs_its_rows():
    now = snapshot.beginning((1, 1))
    for index, (loss, rows) in enumerate([(1.0, 3), (0.0, 0), (5.0, 1)]):
        now = snapshot.after_step(now, index, np.array([[loss]]), np.array([[rows]]))
    assert snapshot.after_epoch(now, np.zeros((1, 1))).loss == 2


def test_arrays_come_back_in_their_order():
    """Ten and more of them, whose numbers sort otherwise as text."""
    leaves = [np.full((1, 1, n), n, np.float32) for n in range(12)]
    now = snapshot.beginning((1, 1))._replace(epoch=3, step=7, leaves=leaves)
    _same(snapshot.unpack(snapshot.pack(now)), now)
