"""Which loops over time the LSTM of a program has."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from vladser.kernels import lstm_scan
from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.types import Array

# The modules of kernels by platform; auto takes what was timed there.
_FUSED = {"cuda": "lstm_triton", "gpu": "lstm_triton", "tpu": "lstm_mosaic"}
_TIMED = {"cuda", "gpu"}

_module: ContextVar[str | None] = ContextVar("module", default=None)


@contextmanager
def chosen(kernel: str, platform: str) -> Iterator[None]:
    """Traces what is in its body, gradients too, with the loops of a kernel.

    Args:
      kernel: scan; fused, where there is one for the platform and the number of cells,
        and scan elsewhere; auto, the faster of them, as far as they were timed.
      platform: of the device that the program is for, as jax calls it.
    """
    wanted = kernel == "fused" or (kernel == "auto" and platform in _TIMED)
    token = _module.set(_FUSED.get(platform) if wanted else None)
    try:
        yield
    finally:
        _module.reset(token)


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
    name = _module.get()
    if name is None:
        return lstm_scan
    # Late: jax calls it experimental, and nothing else needs it.
    fused = import_module(f"vladser.kernels.{name}")
    return fused if fused.takes(gates) else lstm_scan
