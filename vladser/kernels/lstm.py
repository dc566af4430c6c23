"""Which loops over time the LSTM of a program has."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from vladser.kernels import lstm_scan
from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.types import Array

_fused = ContextVar("fused", default=False)


@contextmanager
def chosen(kernel: str, platform: str) -> Iterator[None]:
    """Traces what is in its body, gradients too, with the loops of a kernel.

    Args:
      kernel: scan; fused, where there is one for the platform and the number of cells,
        and scan elsewhere; auto, the faster of them.
      platform: of the device that the program is for, as jax calls it.
    """
    token = _fused.set(kernel != "scan" and platform in ("cuda", "gpu"))
    try:
        yield
    finally:
        _fused.reset(token)


def forward(projected: Array, mask: Array, kernel: Array, carry: Carry) -> Residuals:
    """See `lstm_scan.forward`."""
    return _loops(projected).forward(projected, mask, kernel, carry)


def backward(
    hidden_bar: Array,
    carry_bar: Carry,
    mask: Array,
    kernel: Array,
    carry: Carry,
    saved: Residuals,
) -> tuple[Array, Carry]:
    """See `lstm_scan.backward`."""
    given = hidden_bar, Carry(*carry_bar), mask, kernel, carry, saved
    return _loops(saved.gates).backward(*given)


def _loops(gates: Array) -> Any:
    """Returns the module whose loops run over gates [T, B, 4H]."""
    if not _fused.get():
        return lstm_scan
    # Late: jax calls it experimental, and nothing else needs it.
    from vladser.kernels import lstm_triton

    return lstm_triton if lstm_triton.takes(gates) else lstm_scan
