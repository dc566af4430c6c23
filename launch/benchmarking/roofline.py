"""What the machine can do: large matrix products and copies, on all devices at once."""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


class Roofline:
    """The programs, compiled; `measure` can be called again and again.

    Args:
      size: of the matrices, large enough for the machine by default.
    """

    def __init__(self, size: int | None = None):
        devices = jax.local_devices()
        cpu = devices[0].platform == "cpu"
        self.size = size or (3072 if cpu else 8192)
        mesh = Mesh(np.array(devices), ("device",))
        each = PartitionSpec("device")
        shape = len(devices), self.size, self.size
        ones = jax.jit(
            lambda: jnp.ones(shape, jnp.float32),
            out_shardings=NamedSharding(mesh, each),
        )()
        self.operand, self.devices = ones, len(devices)
        self.product, self.negative = (
            jax.jit(jax.shard_map(f, mesh=mesh, in_specs=each, out_specs=each))
            for f in (lambda x: x @ x, jnp.negative)
        )
        self.measure()

    def measure(self) -> tuple[float, float]:
        """FLOP/s of a matrix product and bytes/s of a read and a write, float32."""
        operations = 2 * self.size**3 * self.devices
        moved = 2 * self.operand.nbytes
        return (
            operations / self._seconds(self.product),
            moved / self._seconds(self.negative),
        )

    def _seconds(self, program: Callable) -> float:
        """The fastest of three."""
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            jax.block_until_ready(program(self.operand))
            times.append(time.perf_counter() - begin)
        return min(times)
