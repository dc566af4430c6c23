"""The epoch whose parameters were tested."""

import numpy as np

from vladser.data import batches
from vladser.engine.merging import Results
from vladser.evaluation.audit.finding import Finding


def finding(results: Results, plan: batches.Plan, validation: bool) -> Finding:
    """Without validation the last epoch, with it the earliest of the best UA on the
    validation set: never one that the test set has a say in."""
    if validation:
        expected = results.validation_ua.argmax(axis=-1) + 1
        which = "the earliest of their best validation UA"
    else:
        expected = np.full(results.epoch.shape, plan.epochs)
        which = f"the last, {plan.epochs:,} (none is chosen)"
    total, count = expected.size, int(np.count_nonzero(results.epoch != expected))
    text = f"{count:,} of {total:,} trainings tested after another epoch than {which}"
    return Finding("chosen_epoch", "error" if count else "ok", count, text)
