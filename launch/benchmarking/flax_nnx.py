"""Plain JAX: flax.nnx.RNN over an OptimizedLSTMCell."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from launch.benchmarking import flax_training
from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.aggregators import netvlad
from vladser.condition import Condition
from vladser.encoders import lstm
from vladser.heads import linear
from vladser.types import PyTree


class Model(nnx.Module):
    def __init__(self, params: model.Params, condition: Condition, rngs: nnx.Rngs):
        features, gates = params.encoder.input_kernel.shape
        cell = nnx.OptimizedLSTMCell(features, gates // 4, rngs=rngs)
        self.rnn = nnx.RNN(cell, rngs=False)  # given in each call
        self.noise = condition.noise
        self.dropout = nnx.Dropout(condition.dropout, deterministic=False)
        self.w = nnx.Param(params.aggregator.w)
        self.b = nnx.Param(params.aggregator.b)
        self.c = nnx.Param(params.aggregator.c)
        self.classifier = nnx.Linear(*params.head.kernel.shape, rngs=rngs)
        assert cell.dense_h.bias is not None
        assert self.classifier.bias is not None
        cell.dense_i.kernel[...] = params.encoder.input_kernel
        cell.dense_h.kernel[...] = params.encoder.recurrent_kernel
        cell.dense_h.bias[...] = params.encoder.bias
        self.classifier.kernel[...] = params.head.kernel
        self.classifier.bias[...] = params.head.bias

    def __call__(self, frames: jax.Array, mask: jax.Array, rngs: nnx.Rngs) -> jax.Array:
        noise = jax.random.normal(rngs.noise(), frames.shape)
        hidden = self.rnn(frames + self.noise * noise, rngs=rngs)
        hidden = self.dropout(hidden, rngs=rngs)
        w, b, c = (x[...] for x in (self.w, self.b, self.c))
        return self.classifier(flax_training.netvlad(w, b, c, hidden, mask))


class Contestant(flax_training.Contestant):
    about = "nnx.RNN(OptimizedLSTMCell), vmapped over the trainings"

    def __init__(self, workload: Workload):
        self.graph: Any = None  # see `from_ours`
        super().__init__(workload)

    def logits(
        self, params: PyTree, frames: jax.Array, mask: jax.Array, key: jax.Array
    ) -> jax.Array:
        network = nnx.merge(self.graph, params)
        return network(frames, mask, nnx.Rngs(key))

    def from_ours(self, params: model.Params) -> PyTree:
        params = jax.tree.map(jnp.asarray, params)
        network = Model(params, self.condition, nnx.Rngs(0))
        self.graph, found = nnx.split(network)
        return found

    def to_ours(self, params: PyTree) -> model.Params:
        network = nnx.merge(self.graph, params)
        cell = network.rnn.cell
        values = (
            (cell.dense_i.kernel, cell.dense_h.kernel, cell.dense_h.bias),
            (network.w, network.b, network.c),
            (network.classifier.kernel, network.classifier.bias),
        )
        of_lstm, of_netvlad, of_classifier = ([x[...] for x in part] for part in values)
        return model.Params(
            lstm.Params(*of_lstm),
            netvlad.Params(*of_netvlad),
            linear.Params(*of_classifier),
            (),
        )
