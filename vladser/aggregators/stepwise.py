"""Aggregators that take in frames step by step."""

from vladser.types import Aggregator, Stepwise


def stepwise(init, start, update, finish) -> Aggregator:
    """Makes an aggregator whose `apply` is its steps over one block of frames, so that
    whole and stepwise cannot disagree. See `types.Stepwise` for the functions."""

    def apply(params, frames, mask):
        state = update(params, start(params, frames.shape[-1]), frames, mask)
        return finish(params, state)

    return Aggregator(init, apply, Stepwise(start, update, finish))


def divide(size: int, **parts: int) -> int:
    """Divides a size by an option.

    Args:
      size: a number of units.
      **parts: the one option, by its name.

    Raises:
      ValueError: the quotient is not whole; names the option.
    """
    ((option, number),) = parts.items()
    if size % number:
        few = range(1, min(size, 128) + 1)
        divisors = ", ".join(str(n) for n in few if size % n == 0)
        raise ValueError(f"{option}={number}: expected a divisor of {size}: {divisors}")
    return size // number
