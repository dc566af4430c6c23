"""The GRU, differentiated by autodiff."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.contracts import Encoder, Recurrence
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    """Gates side by side in the order reset, update, candidate."""

    input_kernel: Array  # [D, 3H]
    recurrent_kernel: Array  # [H, 3H]
    bias: Array  # [3H]
    candidate_bias: Array  # [H] of the candidate's recurrent part


def gru(*, cells: Count = 64) -> Encoder:
    """Runs a GRU, with the reset gate after the recurrent product.

    That is the variant of cuDNN, PyTorch and flax. Cho et al. 2014, "Learning phrase
    representations using RNN encoder-decoder for statistical machine translation".

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
            projected, keep = inputs
            r_input, z_input, n_input = jnp.split(projected, 3, axis=-1)
            recurrent = hidden @ params.recurrent_kernel
            r_hidden, z_hidden, n_hidden = jnp.split(recurrent, 3, axis=-1)
            r = jax.nn.sigmoid(r_input + r_hidden)
            z = jax.nn.sigmoid(z_input + z_hidden)
            n = jnp.tanh(n_input + r * (n_hidden + params.candidate_bias))
            hidden = jnp.where(keep[:, None], (1 - z) * n + z * hidden, hidden)
            return hidden, hidden

        projected = frames @ params.input_kernel + params.bias
        hidden, outputs = lax.scan(step, hidden, (projected, mask))
        return outputs, hidden

    def apply(params, frames, mask):
        return update(params, start(params, frames.shape[1]), frames, mask, ())[0]

    return Encoder(init, apply, Recurrence(start, lambda *block: (), update))
