"""The GRU, whose gradient is that of autodiff."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.options import Count
from vladser.types import Array, Encoder, Recurrence


class Params(NamedTuple):
    """Gates side by side in the order reset, update, candidate."""

    input_kernel: Array  # [D, 3H]
    recurrent_kernel: Array  # [H, 3H]
    bias: Array  # [3H]
    candidate_bias: Array  # [H] of the candidate's recurrent part


def gru(*, cells: Count = 64) -> Encoder:
    """Cho et al. 2014, with the reset gate applied after the recurrent product, as in
    cuDNN, PyTorch and flax.

    Args:
      cells: H.
    """

    def init(key, dim):
        input_key, recurrent_key = jax.random.split(key)
        return Params(
            jax.nn.initializers.glorot_uniform()(input_key, (dim, 3 * cells)),
            jax.nn.initializers.orthogonal()(recurrent_key, (cells, 3 * cells)),
            jnp.zeros(3 * cells),
            jnp.zeros(cells),
        )

    def start(params, batch):
        return jnp.zeros((batch, cells), params.bias.dtype)

    def update(params, hidden, frames, mask, residuals):
        def step(hidden, inputs):
            (r, z, n), keep = jnp.split(inputs[0], 3, axis=-1), inputs[1]
            of_r, of_z, of_n = jnp.split(hidden @ params.recurrent_kernel, 3, axis=-1)
            r, z = jax.nn.sigmoid(r + of_r), jax.nn.sigmoid(z + of_z)
            n = jnp.tanh(n + r * (of_n + params.candidate_bias))
            hidden = jnp.where(keep[:, None], (1 - z) * n + z * hidden, hidden)
            return hidden, hidden

        projected = frames @ params.input_kernel + params.bias
        hidden, outputs = lax.scan(step, hidden, (projected, mask))
        return outputs, hidden

    def apply(params, frames, mask):
        return update(params, start(params, frames.shape[1]), frames, mask, ())[0]

    no_residuals = lambda params, carry, frames, mask: ()  # noqa: E731
    return Encoder(init, apply, Recurrence(start, no_residuals, update))
