"""What every contestant can do, and which there are."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # they import jax; names alone need none
    import numpy as np

    from launch.benchmarking.workloads import Workload
    from vladser import model

PEERS = {
    "torch_padded": "torch_rnn.Padded",
    "torch_packed": "torch_rnn.Packed",
    "flax_linen": "flax_rnn.Linen",
}


class Contestant(Protocol):
    """One way to train the trials of a workload.

    Attributes:
      about: what it is, in a line.
      shuffled: trains random minibatches; otherwise ours, of similar lengths.
    """

    about: str
    shuffled: bool

    def __init__(self, workload: Workload): ...

    def prepare(self, rounds: int) -> float:
        """Compiles for that many rounds; returns the seconds of it."""

    def train(self, rows: np.ndarray) -> int:
        """Trains a round; they come in order.

        Args:
          rows: [steps, trials, B] int32; -1 is an empty row.

        Returns:
          How many frames went through the LSTM, padding included.
        """

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        """Returns the loss of the first trial and its gradient.

        Args:
          params: in the layout of `vladser.model`.
          rows: [B] int32; -1 is an empty row.
        """


def load(name: str) -> type[Contestant]:
    """Returns a contestant by its name.

    Raises:
      ModuleNotFoundError: its library is not installed.
    """
    module, _, contestant = (PEERS | {"ours": "ours.Ours"})[name].partition(".")
    return getattr(importlib.import_module(f"launch.benchmarking.{module}"), contestant)
