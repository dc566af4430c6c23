"""Aggregators that take in frames block by block."""

from vladser import masking
from vladser.contracts import Aggregator, Stepwise


def stepwise(init, start, update, finish) -> Aggregator:
    """Makes an aggregator whose `apply` is one block of all frames, so that whole and
    stepwise cannot disagree; see `contracts.Aggregator` and `contracts.Stepwise`.
    `update` is given zeros for the frames where the mask is False."""

    def clean(params, state, frames, mask):
        return update(params, state, masking.clean(frames, mask), mask)

    def apply(params, frames, mask):
        state = clean(params, start(params, frames.shape[-1]), frames, mask)
        return finish(params, state)

    return Aggregator(init, apply, Stepwise(start, clean, finish))


def divide(size: int, option: str, parts: int) -> int:
    """Divides a size into equal parts.

    Raises:
      ValueError: names the option, whose value is no divisor.
    """
    if size % parts:
        raise ValueError(f"{option}: expected a divisor of {size}, got {parts}")
    return size // parts
