"""Which loops over time the LSTM of a program has."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from math import inf
from typing import Any

from vladser.kernels import lstm_scan
from vladser.types import Array

# The modules of kernels by platform.
_FUSED = {"cuda": "lstm_triton", "gpu": "lstm_triton", "tpu": "lstm_mosaic"}
# Cells up to which they were seen to be faster, see BENCHMARKS.md: those whose weights
# stay in registers. No TPU has timed its own.
_FASTER = {"cuda": 64, "gpu": 64}

_kernel: ContextVar[tuple[str | None, float]] = ContextVar("kernel", default=(None, 0))


@contextmanager
def chosen(kernel: str, platform: str) -> Iterator[None]:
    """Traces what is in its body, gradients too, with the loops of a kernel.

    Args:
      kernel: scan; fused, where there is one for the platform and the number of cells,
        and scan elsewhere; auto, the faster of them, as far as they were timed.
      platform: of the device that the program is for, as jax calls it.
    """
    most = {"scan": 0.0, "auto": _FASTER.get(platform, 0), "fused": inf}[kernel]
    token = _kernel.set((_FUSED.get(platform), most))
    try:
        yield
    finally:
        _kernel.reset(token)


def loops(gates: Array) -> Any:
    """Returns the module whose `forward` and `backward` run over gates [T, B, 4H]:
    `lstm_scan`, or one with the same functions."""
    name, most = _kernel.get()
    if name is None or gates.shape[-1] // 4 > most:
        return lstm_scan
    # Late: jax calls it experimental, and nothing else needs it.
    fused = import_module(f"vladser.kernels.{name}")
    return fused if fused.takes(gates) else lstm_scan
