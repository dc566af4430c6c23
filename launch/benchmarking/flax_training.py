"""Training in flax: a step of one training, vmapped over all of them; its subclasses
give the model.

Random minibatches are padded to the longest utterance among all trainings. Each length
is a program to compile: lengths are rounded up to multiples of 64, so that there are
few, and compilation is not timed with the training.
"""

import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from launch.benchmarking.contestant import Timed
from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.data import dataset
from vladser.registry import optimizers
from vladser.types import PyTree, Trial

MULTIPLE = 64


class Contestant:
    def __init__(self, workload: Workload):
        self.workload = workload
        self.condition, self.spec = workload.condition, workload.spec
        device = jax.devices()[0]
        self.buffer = dataset.to_device(workload.corpus, device)
        self.trials = jax.device_put(workload.trials, device)
        self.optimizer = optimizers.build(self.condition.optimizer)
        init = jax.jit(model.init, static_argnums=1)
        params = self.from_ours(init(jax.random.key(0), self.spec))
        count = len(workload.trials.seed)
        state = params, self.optimizer.init(params)
        self.state = jax.tree.map(lambda x: jnp.stack([x] * count), state)
        self.programs: dict[int, Callable] = {}

    def from_ours(self, params: model.Params) -> PyTree:
        """Our parameters in flax's layout."""
        raise NotImplementedError

    def to_ours(self, params: PyTree) -> model.Params:
        raise NotImplementedError

    def logits(
        self, params: PyTree, frames: jax.Array, mask: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The model in training, [B, classes] of frames [B, T, D], mask [B, T]."""
        raise NotImplementedError

    def prepare(self, rounds: int) -> float:
        begin = time.perf_counter()
        for number in range(rounds):
            for rows in self.workload.random_rows(number):
                self.program(self.length(rows))
        seconds = time.perf_counter() - begin
        self.train(0)
        return seconds

    def train(self, number: int) -> Timed:
        rows = self.workload.random_rows(number)
        lengths = [self.length(step) for step in rows]
        key = jax.random.fold_in(jax.random.key(0), number)
        begin = time.perf_counter()
        for index, (length, step) in enumerate(zip(lengths, rows, strict=True)):
            self.state = self.program(length)(
                self.state,
                self.trials,
                self.buffer,
                step,
                jax.random.fold_in(key, index),
            )
        jax.block_until_ready(self.state)
        seconds = time.perf_counter() - begin
        live = rows[rows >= 0]
        frames = int(self.workload.corpus.length[live].sum())
        return Timed(frames, rows[0].size * sum(lengths), seconds)

    def length(self, rows: np.ndarray) -> int:
        """What the minibatches [trainings, batch] of a step are padded to."""
        longest = np.where(rows >= 0, self.workload.corpus.length[rows], 0).max()
        return -(-int(longest) // MULTIPLE) * MULTIPLE

    def program(self, length: int) -> Callable:
        if length not in self.programs:
            step = jax.jit(partial(self.step, length=length), donate_argnums=0)
            rows = np.zeros((len(self.workload.trials.seed), 32), np.int32)
            key = jax.random.key(0)
            lowered = step.lower(self.state, self.trials, self.buffer, rows, key)
            self.programs[length] = lowered.compile()
        return self.programs[length]

    def step(self, state, trials, buffer, rows, key, *, length):
        """One step of all trainings."""

        def of_trial(state, trial, rows, key):
            params, optimizer = state
            gradient = jax.grad(self.loss)(params, trial, buffer, rows, key, length)
            updates, optimizer = self.optimizer.update(gradient, optimizer, params)
            return optax.apply_updates(params, updates), optimizer

        keys = jax.random.split(key, len(rows))
        return jax.vmap(of_trial)(state, trials, rows, keys)

    def loss(self, params, trial, buffer, rows, key, length):
        live, rows = rows >= 0, jnp.maximum(rows, 0)
        clock = jnp.arange(length)
        mask = live[:, None] & (clock < buffer.length[rows][:, None])
        frames = buffer.frames[buffer.offset[rows][:, None] + clock]
        frames = (frames - trial.mean) * trial.scale
        logits = self.logits(params, frames, mask, key)
        labels = jax.nn.one_hot(buffer.label[rows], logits.shape[-1])
        targets = (1 - trial.alpha) * labels + trial.alpha * trial.prior
        losses = optax.softmax_cross_entropy(logits, targets)
        return jnp.sum(losses * live) / jnp.maximum(live.sum(), 1)

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        trial = Trial(*(field[0] for field in self.trials))
        key, length = jax.random.key(0), self.length(rows[None])
        gradient = jax.jit(jax.value_and_grad(self.loss), static_argnums=5)
        with jax.default_matmul_precision("highest"):
            loss, found = gradient(
                self.from_ours(params), trial, self.buffer, rows, key, length
            )
        return loss, self.to_ours(found)


def netvlad(
    w: jax.Array, b: jax.Array, c: jax.Array, hidden: jax.Array, mask: jax.Array
) -> jax.Array:
    """Eq. (1) and both normalizations, [B, K * H] of hidden [B, T, H], mask [B, T]."""
    assignment = jax.nn.softmax(hidden @ w.T + b) * mask[..., None]
    vlad = jnp.einsum("btk,bth->bkh", assignment, hidden)
    vlad = _normalize(vlad - assignment.sum(axis=1)[..., None] * c)
    return _normalize(vlad.reshape(len(vlad), -1))


def _normalize(x: jax.Array) -> jax.Array:
    squares = jnp.sum(x**2, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.maximum(squares, 1e-24))
