"""Max pooling over short windows, then an average weighted by attention."""

import jax
import jax.numpy as jnp

from vladser.aggregators import running
from vladser.contracts import Aggregator
from vladser.options import Count


def attentive_maximum(*, pool: Count = 30, stride: Count = 3) -> Aggregator:
    """Returns sum_i softmax_i(u . y_i) y_i, y_i = max of the frames from i stride on;
    zeros without a frame. It needs all frames at once.

    After Neumann and Vu 2017, "Attentive Convolutional Neural Network Based Speech
    Emotion Recognition: A Study on the Impact of Input Features, Signal Length, and
    Acted Speech" (the abstract; sizes are ours). Windows begin at each `stride`-th
    frame and end with the utterance at the latest; the frames must lie in a row.

    Args:
      pool: frames of a window.
      stride: frames from one window to the next.
    """

    def init(key, dim):
        return jax.nn.initializers.glorot_uniform()(key, (dim, 1))[:, 0]

    def apply(params, frames, mask):
        kept = jnp.where(mask[:, None], frames, -jnp.inf)
        pooled = _windows(kept, pool, stride)
        there = pooled[:, 0] > -jnp.inf
        pooled = jnp.where(there[:, None], pooled, 0)
        scores = running.no_score()
        _, _, weights = running.exponentials(scores, pooled @ params, there)
        return weights @ pooled * running.reciprocal(weights.sum())

    return Aggregator(init, apply)


def _windows(frames: jax.Array, pool: int, stride: int) -> jax.Array:
    """Returns the maxima of `pool` frames from each `stride`-th frame on, by those of
    `stride` frames, of which there are fewer."""
    whole, rest = divmod(pool, stride)
    if not whole:
        return _maxima(frames, rest)[::stride]
    windows = _maxima(_maxima(frames, stride)[::stride], whole)
    if not rest:
        return windows
    last = _maxima(frames, rest)[::stride]
    return jnp.maximum(windows, _from(last, whole))


def _maxima(frames: jax.Array, pool: int) -> jax.Array:
    """Returns the maxima of `pool` frames from each frame on, by maxima of 1, 2, 4 ...
    frames: their gradient costs less than that of a window's reduction."""
    size = 1
    while size < pool:
        step = min(size, pool - size)
        frames = jnp.maximum(frames, _from(frames, step))
        size += step
    return frames


def _from(frames: jax.Array, start: int) -> jax.Array:
    """Returns the frames from a place on, as many as before."""
    later = jnp.full((start, frames.shape[1]), -jnp.inf, frames.dtype)
    return jnp.concatenate([frames, later])[start:]
