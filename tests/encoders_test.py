"""The encoders against those of flax.linen or jax itself, with the same weights."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_same

from vladser.checks import rules
from vladser.encoders import lstm
from vladser.registry import encoders

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

T, D, H = 21, 5, 4
LENGTHS = np.array([T, 12, 1])
MASK = np.arange(T)[:, None] < LENGTHS


def _gates(kernel, bias, names, prefix):
    """One dense layer a gate, as linen has it."""
    layers = {}
    for n, name in enumerate(names):
        part = slice(n * H, (n + 1) * H)
        layers[prefix + name] = {"kernel": kernel[:, part], "bias": bias[part]}
    return layers


def _lstm_cell(params):
    inputs = _gates(params.input_kernel, params.bias, "ifgo", "i")
    inputs = {name: {"kernel": layer["kernel"]} for name, layer in inputs.items()}
    return inputs | _gates(params.recurrent_kernel, params.bias, "ifgo", "h")


def _gru_cell(params):
    zeros = jnp.zeros(2 * H), params.candidate_bias
    hidden = _gates(params.recurrent_kernel, jnp.concatenate(zeros), "rzn", "h")
    for name in "hr", "hz":
        del hidden[name]["bias"]
    return _gates(params.input_kernel, params.bias, "rzn", "i") | hidden


_dtypes = {"dtype": jnp.float64, "param_dtype": jnp.float64}


def _rnn(cell, params_of, params, frames, mask):
    rnn = nn.RNN(cell(H, **_dtypes), time_major=True)
    tree = {"params": {"cell": params_of(params)}}
    return rnn.apply(tree, frames, seq_lengths=jnp.asarray(LENGTHS))


def _bidirectional(params, frames, mask):
    rnns = [nn.RNN(nn.OptimizedLSTMCell(H, **_dtypes)) for _ in params]
    both = nn.Bidirectional(*rnns)
    names = "forward_rnn", "backward_rnn"
    trees = zip(names, map(_lstm_cell, params), strict=True)
    tree = {"params": {name: {"cell": cell} for name, cell in trees}}
    frames = jnp.swapaxes(frames, 0, 1)
    outputs = both.apply(tree, frames, seq_lengths=jnp.asarray(LENGTHS))
    return jnp.swapaxes(outputs, 0, 1)


def _convolution(params, frames, mask):
    """By jax's own convolution, of the frames as they are."""
    width = len(params.kernel) // D
    kernel = params.kernel.reshape(width, D, -1)
    outputs = jax.lax.conv_general_dilated(
        jax.lax.stop_gradient(frames),
        kernel,
        window_strides=(1,),
        padding=[(width - 1, 0)],
        dimension_numbers=("WNC", "WIO", "WNC"),
    )
    return jax.nn.relu(outputs + params.bias)


def _two_lstms(params, frames, mask):
    for layer in params:
        frames = _rnn(nn.OptimizedLSTMCell, _lstm_cell, layer, frames, mask)
        frames = jnp.where(MASK[..., None], frames, 0)
    return frames


OTHERS = {
    "two lstms": _two_lstms,
    "convolution": _convolution,
    "lstm": partial(_rnn, nn.OptimizedLSTMCell, _lstm_cell),
    "gru": partial(_rnn, nn.GRUCell, _gru_cell),
    "bilstm": _bidirectional,
    "none": lambda params, frames, mask: frames,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*OTHERS, *encoders.names()}))
def test_outputs_and_gradients_are_those_of_others(name):
    texts = {"none": "none", "convolution": f"convolution(width=3,filters={H})"}
    texts["two lstms"] = f"lstm(cells={H},layers=2)"
    encoder = encoders.build(encoders.parse(texts.get(name, f"{name}(cells={H})")))
    params = rules.parameters(encoder, D)
    frames = np.random.default_rng(0).normal(size=(T, len(LENGTHS), D))
    frames = np.where(MASK[..., None], frames, 0)

    def keep(outputs, *arguments):
        return jnp.where(MASK[..., None], outputs, 0)

    made, expected = (
        rules.differentiate(apply, keep)(params, frames[None], MASK[None])
        for apply in (encoder.apply, OTHERS[name])
    )
    kept = [np.where(MASK[..., None], outputs, 0) for outputs, _ in (made, expected)]
    assert_same((kept[0], made[1]), (kept[1], expected[1]), T * (D + H))


@pytest.mark.slow
def test_initial_weights_are_those_of_keras():
    with jax.enable_x64(False):
        draw = jax.jit(lstm.init, static_argnums=(1, 2))
        params = jax.device_get(draw(jax.random.key(0), 147, 64))
    limit = np.sqrt(6 / (147 + 256))  # Glorot and Bengio 2010
    assert 0.99 * limit < np.abs(params.input_kernel).max() <= limit
    rows = params.recurrent_kernel @ params.recurrent_kernel.T
    # A factorization of 64 columns, each made orthogonal to 63 others.
    assert_same(rows, np.eye(64, dtype=np.float32), 64 * 256)
    gates = params.bias.reshape(4, 64)
    assert (gates == np.array([0, 1, 0, 0])[:, None]).all()
