"""Plain JAX: flax.linen.RNN, a step of one trial vmapped over all of them.

Our minibatches are padded to the longest utterance among all trials, and that to a
multiple of 64: each length is a program of its own. Compilation is not timed.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from launch.benchmarking.workloads import CONDITION, Workload
from vladser import model
from vladser.condition import Condition, specification
from vladser.data import dataset
from vladser.registry import aggregators, heads, objectives, optimizers
from vladser.types import PyTree

_MULTIPLE = 64
_GATES = "ifgo"  # the order of ours


class Linen:
    """A `contest.Contestant`: linen.RNN in the place of our LSTM and of our engine;
    other parts are ours."""

    @staticmethod
    def trains(condition: Condition) -> bool:
        return condition.encoder == CONDITION.encoder and not model.coupled(
            specification(condition, 1, 2)
        )

    def __init__(self, workload: Workload):
        self.workload, self.spec = workload, workload.spec
        self.buffer = dataset.to_device(workload.data, jax.devices()[0])
        self.trials = jax.device_put(workload.trials, jax.devices()[0])
        self.optimizer = optimizers.build(workload.condition.optimizer)
        cells, _ = model.sizes(self.spec)
        self.rnn = nn.RNN(nn.OptimizedLSTMCell(cells))
        self.key = jax.random.key(0)
        params = model.init(self.key, self.spec)
        state, trials = (params, self.optimizer.init(params)), len(self.trials.seed)
        self.state = jax.tree.map(lambda x: jnp.stack([x] * trials), state)
        self.programs: dict[int, Callable] = {}

    def cell(self, lstm: PyTree) -> PyTree:
        """Returns the parameters of our LSTM in flax's layout."""
        inputs, recurrent, biases = (jnp.split(x, 4, axis=-1) for x in lstm)
        cell = {}
        for number, gate in enumerate(_GATES):
            cell[f"i{gate}"] = {"kernel": inputs[number]}
            cell[f"h{gate}"] = {"kernel": recurrent[number], "bias": biases[number]}
        return cell

    def prepare(self, rounds: int) -> float:
        rows = [step for n in range(rounds) for step in self.workload.rows(n)]
        begin = time.perf_counter()
        for length in {self.padded(step) for step in rows}:
            step = jax.jit(partial(self.step, length=length), donate_argnums=0)
            arguments = self.state, self.trials, self.buffer, rows[0], self.key
            self.programs[length] = step.lower(*arguments).compile()
        return time.perf_counter() - begin

    def train(self, rows: np.ndarray) -> int:
        computed = 0
        for step in rows:
            length, self.key = self.padded(step), jax.random.fold_in(self.key, 0)
            arguments = self.state, self.trials, self.buffer, step, self.key
            self.state = self.programs[length](*arguments)
            computed += step.size * length
        jax.block_until_ready(self.state)
        return computed

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        trial, length = jax.tree.map(lambda x: x[0], self.trials), self.padded(rows)
        gradients = jax.jit(jax.value_and_grad(self.loss), static_argnums=5)
        with jax.default_matmul_precision("highest"):
            return gradients(params, trial, self.buffer, rows, self.key, length)

    def padded(self, rows: np.ndarray) -> int:
        """Returns the length that the minibatches of a step are padded to."""
        return -(-int(self.workload.lengths(rows).max()) // _MULTIPLE) * _MULTIPLE

    def step(self, state, trials, buffer, rows, key, *, length):
        """Trains all trials by a minibatch each, rows [trials, B] padded to `length`;
        returns the new state, each array [trials, ...]."""

        def of_trial(state, trial, rows, key):
            params, optimizer = state
            gradient = jax.grad(self.loss)(params, trial, buffer, rows, key, length)
            updates, optimizer = self.optimizer.update(gradient, optimizer, params)
            return optax.apply_updates(params, updates), optimizer

        keys = jax.random.split(key, len(rows))
        return jax.vmap(of_trial)(state, trials, rows, keys)

    def loss(self, params, trial, buffer, rows, key, length):
        """Returns the loss of one trial's minibatch, rows [B] padded to `length`."""
        spec, condition = self.spec, self.workload.condition
        noise_key, dropout_key = jax.random.split(key)
        frames, mask = dataset.gather(buffer, rows, 0, length)
        frames, mask = jnp.swapaxes(frames, 0, 1), mask.T
        frames = (frames - trial.mean) * trial.scale
        frames += condition.noise * jax.random.normal(noise_key, frames.shape)
        lstm = {"params": {"cell": self.cell(params.encoder)}}
        hidden: Any = self.rnn.apply(lstm, frames)
        dropout = nn.Dropout(condition.dropout, deterministic=False)
        hidden = dropout.apply({}, hidden, rngs={"dropout": dropout_key})
        pool = jax.vmap(aggregators.build(spec.aggregator).apply, (None, 0, 0))
        vectors = pool(params.aggregator, hidden, mask)
        logits = heads.build(spec.head).apply(params.head, vectors)
        live, labels = rows >= 0, buffer.label[jnp.maximum(rows, 0)]
        losses = objectives.build(spec.objective).loss(
            params.objective, trial.objective, vectors, logits, labels
        )
        return jnp.sum(losses * live) / jnp.maximum(live.sum(), 1)
