"""The epoch whose parameters were tested."""

import numpy as np

from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.evaluation.audit.finding import Finding


def finding(design: Design, results: Results) -> Finding:
    """Checks that without validation the last epoch is tested, and with it the earliest
    of the best UA on the validation set: never one that the test set has a say in."""
    if design.validation:
        ua = np.where(np.isnan(results.validation_ua), -1, results.validation_ua)
        expected = ua.argmax(axis=-1) + 1
        which = "the earliest of their best validation UA"
    else:
        last = [condition.epochs for condition in design.conditions]
        expected = np.broadcast_to(np.array(last)[:, None], results.epoch.shape)
        which = f"the last, {', '.join(f'{n:,}' for n in sorted(set(last)))}"
    total, count = expected.size, int(np.count_nonzero(results.epoch != expected))
    text = f"{count:,} of {total:,} trainings tested after another epoch than {which}"
    return Finding("chosen_epoch", "error" if count else "ok", count, text)
