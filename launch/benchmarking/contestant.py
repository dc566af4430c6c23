"""What every contestant can do, and how one is found by its name."""

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # they import jax; names alone need none
    import numpy as np

    from launch.benchmarking.workloads import Workload
    from vladser import model

PEERS = ("torch_padded", "torch_packed", "flax_linen", "flax_nnx")


class Timed(NamedTuple):
    """A round of training."""

    frames: int  # real frames of live rows, all trainings together
    computed: int  # frames that went through the LSTM for them
    seconds: float


class Contestant(Protocol):
    """One way to train the model, all trainings of a workload.

    A file of this package holds one, as the class `Contestant`.
    """

    about: str

    def __init__(self, workload: "Workload"): ...

    def prepare(self, rounds: int) -> float:
        """Gets ready for the rounds 0 to `rounds` - 1: compiles, and warms up by the
        round 0.

        Returns:
          seconds of compilation.
        """

    def train(self, number: int) -> Timed:
        """Trains a round; they come in order, from 1."""

    def gradients(
        self, params: "model.Params", rows: "np.ndarray"
    ) -> "tuple[float, model.Params]":
        """The loss of the first training, and its gradient.

        Args:
          params: of our model.
          rows: int32 [batch], -1 is an empty row.
        """


def load(name: str) -> type[Contestant]:
    """The contestant of a name.

    Raises:
      ModuleNotFoundError: its library is not installed.
    """
    return importlib.import_module(f"launch.benchmarking.{name}").Contestant
