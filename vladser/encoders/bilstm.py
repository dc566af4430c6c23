"""The bidirectional LSTM, which must see all frames at once."""

import jax
import jax.numpy as jnp

from vladser.contracts import Encoder
from vladser.encoders import lstm
from vladser.options import Count


def bilstm(*, cells: Count = 64) -> Encoder:
    """Runs two LSTMs, one forward and one backward in time. It cannot stream.

    Graves and Schmidhuber 2005, "Framewise phoneme classification with bidirectional
    LSTM and other neural network architectures".

    Args:
      cells: of each LSTM; H is twice as many.
    """

    def init(key, dim):
        return [lstm.init(k, dim, cells) for k in jax.random.split(key)]

    def apply(params, frames, mask):
        forward, backward = params
        start = lstm.start(forward, frames.shape[1])
        ahead, _ = lstm.unroll(forward, start, frames, mask)
        # Padding comes first in reversed time, and leaves the state at its start.
        back, _ = lstm.unroll(backward, start, frames[::-1], mask[::-1])
        return jnp.concatenate([ahead, back[::-1]], axis=-1)

    return Encoder(init, apply)
