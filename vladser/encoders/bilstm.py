"""The bidirectional LSTM, which has to see all frames."""

import jax
import jax.numpy as jnp

from vladser.encoders import lstm
from vladser.options import Count
from vladser.types import Encoder


def bilstm(*, cells: Count = 64) -> Encoder:
    """Two LSTMs, one over time as it runs and one against it (Graves and Schmidhuber
    2005); H is twice the cells. It cannot stream.

    Args:
      cells: of each of the two.
    """

    def init(key, dim):
        return [lstm.init(k, dim, cells) for k in jax.random.split(key)]

    def apply(params, frames, mask):
        forward, backward = params
        start = lstm.start(forward, frames.shape[1])
        ahead, _ = lstm.unroll(forward, frames, mask, start)
        # Padding comes first here, and the mask keeps the state as it is there.
        back, _ = lstm.unroll(backward, frames[::-1], mask[::-1], start)
        return jnp.concatenate([ahead, back[::-1]], axis=-1)

    return Encoder(init, apply)
