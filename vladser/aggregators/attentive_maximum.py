"""Max pooling over short windows, then an average weighted by attention."""

from functools import partial, reduce

import jax
import jax.numpy as jnp

from vladser.aggregators import running
from vladser.contracts import Aggregator
from vladser.options import Count
from vladser.types import Array


def attentive_maximum(*, pool: Count = 30, stride: Count = 3) -> Aggregator:
    """Returns sum_i softmax_i(u . y_i) y_i, y_i = max of the frames from i stride on;
    zeros without a frame. It needs all frames at once.

    After Neumann and Vu 2017, "Attentive Convolutional Neural Network Based Speech
    Emotion Recognition: A Study on the Impact of Input Features, Signal Length, and
    Acted Speech" (the abstract; sizes are ours). Windows begin at each `stride`-th
    frame and end with the utterance at the latest; the frames must lie in a row.

    Args:
      pool: frames of a window; training takes time in proportion to pool / stride.
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


def _windows(frames: Array, pool: int, stride: int) -> Array:
    """Returns `_maxima`, where it can by those of `stride` frames: these are fewer."""
    if pool % stride == 0:
        frames, pool, stride = _maxima(frames, stride, stride), pool // stride, 1
    return _maxima(frames, pool, stride)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _maxima(frames: Array, pool: int, stride: int) -> Array:
    """Returns the maxima [N, H] of `pool` frames from each `stride`-th frame on.

    Those of 1, 2, 4 ... frames lead to them, of any number of frames, even one that is
    not known, as in an export. Frames that are equal to the maximum share its gradient;
    autodiff would write a gradient of all frames for each step.
    """
    size = 1
    while size < pool:
        step = min(size, pool - size)
        later = jnp.full((step, frames.shape[1]), -jnp.inf, frames.dtype)
        frames = jnp.maximum(frames, jnp.concatenate([frames, later])[step:])
        size += step
    return frames[::stride]


def _members(frames: Array, pool: int, stride: int) -> list[Array]:
    """Returns the first frames of all windows, their second ones and so on, each
    [N, H]; beyond the last frame they are -inf."""
    size = -(-len(frames) // stride) * stride
    beyond = size + pool - 1 - len(frames)
    padded = jnp.pad(frames, ((0, beyond), (0, 0)), constant_values=-jnp.inf)
    return [padded[place : place + size : stride] for place in range(pool)]


def _forward(frames, pool, stride):
    maxima = reduce(jnp.maximum, _members(frames, pool, stride))  # in one pass
    return maxima, (frames, maxima)


def _backward(pool, stride, arguments, maxima_bar):
    frames, maxima = arguments
    members, count = _members(frames, pool, stride), len(maxima)
    winners = sum((member == maxima).astype(maxima.dtype) for member in members)
    earlier = (pool - 1) // stride  # windows before one that hold its first frame too
    windows = jnp.stack([maxima, maxima_bar / winners])
    windows = jnp.pad(windows, ((0, 0), (earlier, 0), (0, 0)))

    def of_member(place):
        bar = jnp.zeros_like(maxima)
        for back in range(earlier + 1):
            if place + back * stride < pool:  # is it in the window that began before?
                first = earlier - back
                largest, share = windows[:, first : first + count]
                bar += jnp.where(members[place] == largest, share, 0)
        return bar

    bar = jnp.stack([of_member(place) for place in range(stride)], axis=1)
    return (bar.reshape(-1, frames.shape[1])[: len(frames)],)


_maxima.defvjp(_forward, _backward)
