"""The model: noise -> LSTM -> dropout -> aggregation -> softmax classifier.

Huang et al. 2020, section 2. `encode` is the one place that names the LSTM.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from vladser import aggregators, lstm, masking
from vladser.types import Array, PyTree, Spec


class Params(NamedTuple):
    lstm: lstm.Params
    aggregator: PyTree
    kernel: Array  # [V, classes] of the classifier
    bias: Array  # [classes]


class Draws(NamedTuple):
    """The random numbers of one training step, shared by the trials of a seed."""

    noise: Array  # [T, B, D] standard normal
    uniform: Array  # [T, B, H] in [0, 1)


def init(key: Array, spec: Spec) -> Params:
    """Initial weights. Weights of equal shape are equal for every spec: trials that
    differ only in their aggregator start from the same LSTM."""
    lstm_key, aggregator_key, classifier_key = jax.random.split(key, 3)
    pooling = aggregators.build(spec.pooling)
    pooling_params = pooling.init(aggregator_key, spec.cells)
    vector = jax.eval_shape(
        pooling.apply,
        pooling_params,
        jax.ShapeDtypeStruct((1, spec.cells), jnp.float32),
        jax.ShapeDtypeStruct((1,), bool),
    )
    glorot = jax.nn.initializers.glorot_uniform()
    return Params(
        lstm.init(lstm_key, spec.features, spec.cells),
        pooling_params,
        glorot(classifier_key, (vector.shape[0], spec.classes)),
        jnp.zeros(spec.classes),
    )


def draw(key: Array, spec: Spec, length: int, batch: int) -> Draws:
    """The random numbers of one step of `batch` rows of `length` frames."""
    noise_key, dropout_key = jax.random.split(key)
    return Draws(
        jax.random.normal(noise_key, (length, batch, spec.features)),
        jax.random.uniform(dropout_key, (length, batch, spec.cells)),
    )


def encode(params: Params, frames: Array, mask: Array) -> Array:
    """The LSTM's output at each frame.

    Args:
      frames: [T, B, D], standardized; anything where the mask leaves out.
      mask: [T, B] bool.

    Returns:
      [T, B, H].
    """
    carry = lstm.start(params.lstm, frames.shape[1])
    return lstm.unroll(params.lstm, masking.clean(frames, mask), mask, carry)[0]


def classify(
    params: Params, spec: Spec, hidden: Array, mask: Array
) -> tuple[Array, Array]:
    """Aggregates over time and classifies.

    Args:
      hidden: [T, B, H].
      mask: [T, B] bool.

    Returns:
      the utterance-level representation [B, V] and the logits [B, classes].
    """
    chex.assert_rank([hidden, mask], [3, 2])
    chex.assert_equal_shape_prefix([hidden, mask], 2)
    pool = jax.vmap(aggregators.build(spec.pooling).apply, in_axes=(None, 1, 1))
    embedding = pool(params.aggregator, hidden, mask)
    return embedding, embedding @ params.kernel + params.bias


def forward(
    params: Params, spec: Spec, frames: Array, mask: Array
) -> tuple[Array, Array]:
    """The model in evaluation: no noise, no dropout. See `encode` and `classify`."""
    return classify(params, spec, encode(params, frames, mask), mask)


def perturbed(
    params: Params,
    spec: Spec,
    frames: Array,
    mask: Array,
    draws: Draws,
    noise: Array,
    dropout: Array,
) -> tuple[Array, Array]:
    """The model in training: noise on the input, dropout on the LSTM's output.

    Args:
      noise: [] standard deviation of the Gaussian noise.
      dropout: [] probability that an output is dropped; the others are scaled by
        1 / (1 - dropout), so that evaluation needs no scaling.
    """
    hidden = encode(params, frames + noise * draws.noise, mask)
    kept = jnp.where(draws.uniform >= dropout, hidden * (1 / (1 - dropout)), 0.0)
    return classify(params, spec, kept, mask)
