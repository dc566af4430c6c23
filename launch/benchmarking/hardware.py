"""What training on one real frame takes, and what the machine could do."""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

from vladser import model
from vladser.types import Spec


def flops(spec: Spec, clusters: int) -> int:
    """Returns the floating-point operations that one frame needs, whoever computes it.

    With D descriptors, H cells and K clusters of NetVLAD, forward and backward:

      LSTM      forward: [D + H] by [D + H, 4H]                      2 (D + H) 4H
                gradient of the weights: as much                     2 (D + H) 4H
                gradient of the previous hidden state: [4H] by [4H, H]  2 H 4H
      NetVLAD   scores and sum of weighted frames: 2 products           4 H K
                gradient of the frame, through each of them             4 H K
                gradients of the scores' weights and of the assignment  4 H K

    A product of [m] by [m, n] counts 2mn. Operations outside matrix products (gates,
    noise, dropout, softmax) are less than a hundredth and are left out, as is what
    happens once an utterance or a step.
    """
    d, (h, _), k = spec.dim, model.sizes(spec), clusters
    return 2 * 2 * (d + h) * 4 * h + 2 * h * 4 * h + 3 * 4 * h * k


def sgemm() -> Callable[[], float]:
    """Compiles a large float32 matrix product on all devices at once; returns a
    function that measures its speed in FLOP/s: the fastest of three."""
    devices = jax.local_devices()
    size = 3072 if devices[0].platform == "cpu" else 8192
    matrices = [jax.device_put(jnp.ones((size, size)), device) for device in devices]
    product = jax.jit(lambda x: x @ x)

    def seconds() -> float:
        begin = time.perf_counter()
        jax.block_until_ready([product(matrix) for matrix in matrices])
        return time.perf_counter() - begin

    seconds()
    return lambda: 2 * size**3 * len(devices) / min(seconds() for _ in range(3))
