"""One LSTM alone: its kernels, flax's and cuDNN's, over a minibatch of IEMOCAP."""

from collections.abc import Callable, Iterator
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from launch.benchmarking.figures import Row, timed
from vladser.encoders import lstm
from vladser.kernels.lstm import chosen

KERNELS: tuple[Literal["fused", "scan"], ...] = "fused", "scan"
# A minibatch: its rows, the longest of them on average, and their features.
BATCH, FRAMES, DIM, CELLS = 32, 448, 147, 64
TRIALS = 1, 10, 60, 120


def agreement() -> Iterator[Row]:
    """Yields the relative l2 errors of an LSTM's outputs and gradients of both kernels,
    against the scan in float32."""
    params, frames, weights = _layer(2)
    expected = _gradient("scan", "highest")(params, frames, weights)
    for precision in "highest", "default":
        for kernel in KERNELS:
            found = _gradient(kernel, precision)(params, frames, weights)
            yield Row(
                "LSTM against the scan in float32",
                f"{kernel}, precision {precision}",
                [max(map(_error, *map(jax.tree.leaves, (found, expected))))],
                "relative error",
            )


def layer() -> Iterator[Row]:
    """Yields what a frame takes in one LSTM, forward and gradient of its weights."""

    def row(trials: int, way: str, seconds: list[float]) -> Row:
        what, each = f"LSTM forward and gradient, {trials} trials", 1e6 / FRAMES
        return Row(what, way, [each * one for one in seconds], "us/frame")

    for trials in TRIALS:
        arguments = _layer(trials)
        for kernel in KERNELS:
            yield row(trials, kernel, timed(_gradient(kernel), *arguments))
        yield row(trials, "flax", timed(_linen(trials), *arguments[1:]))
    yield row(1, "cuDNN", _cudnn(graph=False))
    yield row(1, "cuDNN, as a CUDA graph", _cudnn(graph=True))


def _layer(trials: int) -> tuple[lstm.Params, jax.Array, jax.Array]:
    """Returns parameters, frames, and what weighs the outputs."""
    keys = jax.random.split(jax.random.key(0), trials)
    params = jax.vmap(lambda key: lstm.init(key, DIM, CELLS))(keys)
    frames = jax.random.normal(keys[0], (trials, FRAMES, BATCH, DIM))
    return params, frames, jax.random.normal(keys[0], (FRAMES, BATCH, CELLS))


def _gradient(kernel: str, precision: str = "default") -> Callable:
    platform = jax.default_backend()

    def of_trial(params, frames, weights):
        def loss(params):
            mask = jnp.ones(frames.shape[:2], bool)
            carry = lstm.start(params, BATCH)
            return (lstm.unroll(params, carry, frames, mask)[0] * weights).sum()

        return jax.value_and_grad(loss)(params)

    @jax.jit
    def gradient(params, frames, weights):
        with jax.default_matmul_precision(precision), chosen(kernel, platform):
            return jax.vmap(of_trial, (0, 0, None))(params, frames, weights)

    return gradient


def _linen(trials: int) -> Callable:
    rnn = nn.RNN(nn.OptimizedLSTMCell(CELLS), time_major=True)
    keys = jax.random.split(jax.random.key(0), trials)
    one = jnp.zeros((FRAMES, BATCH, DIM))
    params = jax.vmap(lambda key: rnn.init(key, one))(keys)

    def of_trial(params, frames, weights):
        return jax.grad(lambda p: (rnn.apply(p, frames) * weights).sum())(params)

    gradient = jax.jit(jax.vmap(of_trial, (0, 0, None)))
    return lambda frames, weights: gradient(params, frames, weights)


def _cudnn(graph: bool) -> list[float]:
    """Returns the seconds of PyTorch's LSTM; none without PyTorch and a GPU for it."""
    try:
        import torch
    except ModuleNotFoundError:
        return []
    if not torch.cuda.is_available():
        return []
    torch.backends.cudnn.allow_tf32 = True  # as jax does by default
    rnn = torch.nn.LSTM(DIM, CELLS).cuda()
    frames = torch.randn(FRAMES, BATCH, DIM, device="cuda")
    weights = torch.randn(FRAMES, BATCH, CELLS, device="cuda")

    def gradient():
        (rnn(frames)[0] * weights).sum().backward()

    run = gradient
    if graph:
        with torch.cuda.stream(torch.cuda.Stream()):  # to warm up, as capturing asks
            gradient()
        torch.cuda.synchronize()
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            gradient()
        run = captured.replay

    def once():
        run()
        torch.cuda.synchronize()

    return timed(once)


def _error(found: jax.Array, expected: jax.Array) -> float:
    difference = jnp.linalg.norm((found - expected).ravel())
    return float(difference / jnp.linalg.norm(expected.ravel()))
