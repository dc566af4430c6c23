"""Aggregators that take in frames block by block."""

from vladser.types import Aggregator, Stepwise


def stepwise(init, start, update, finish) -> Aggregator:
    """Makes an aggregator whose `apply` is one block of all frames.

    Thus whole and stepwise cannot disagree.

    Args:
      init: see `types.Aggregator`.
      start, update, finish: see `types.Stepwise`.
    """

    def apply(params, frames, mask):
        state = update(params, start(params, frames.shape[-1]), frames, mask)
        return finish(params, state)

    return Aggregator(init, apply, Stepwise(start, update, finish))


def divide(size: int, **parts: int) -> int:
    """Divides a size by the value of an option.

    Args:
      size: of a frame.
      **parts: one option, by its name.

    Returns:
      The quotient, a whole number.

    Raises:
      ValueError: the option does not divide the size; names its divisors.
    """
    ((option, number),) = parts.items()
    if size % number:
        few = range(1, min(size, 128) + 1)
        divisors = ", ".join(str(n) for n in few if size % n == 0)
        raise ValueError(f"{option}={number}: expected a divisor of {size}: {divisors}")
    return size // number
