"""Plain JAX: flax.linen.RNN over an OptimizedLSTMCell."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from launch.benchmarking import flax_training
from vladser import model
from vladser.aggregators import netvlad
from vladser.encoders import lstm
from vladser.heads import linear
from vladser.types import PyTree

GATES = "ifgo"  # the order of ours


class Model(nn.Module):
    cells: int
    clusters: int
    classes: int
    noise: float
    dropout: float

    @nn.compact
    def __call__(self, frames: jax.Array, mask: jax.Array) -> jax.Array:
        noise = jax.random.normal(self.make_rng("noise"), frames.shape)
        cell = nn.OptimizedLSTMCell(self.cells, name="lstm")
        hidden = nn.RNN(cell)(frames + self.noise * noise)
        hidden = nn.Dropout(self.dropout, deterministic=False)(hidden)
        shape, init = (self.clusters, self.cells), nn.initializers.lecun_normal()
        w, c = self.param("w", init, shape), self.param("c", init, shape)
        b = self.param("b", nn.initializers.zeros, shape[:1])
        pooled = flax_training.netvlad(w, b, c, hidden, mask)
        return nn.Dense(self.classes, name="classifier")(pooled)


class Contestant(flax_training.Contestant):
    about = "linen.RNN(OptimizedLSTMCell), vmapped over the trainings"

    def logits(
        self, params: PyTree, frames: jax.Array, mask: jax.Array, key: jax.Array
    ) -> jax.Array:
        noise, dropout = jax.random.split(key)
        network = Model(
            dict(self.spec.encoder.options)["cells"],
            len(params["b"]),
            self.spec.classes,
            self.condition.noise,
            self.condition.dropout,
        )
        rngs = {"noise": noise, "dropout": dropout}
        logits: Any = network.apply({"params": params}, frames, mask, rngs=rngs)
        return logits

    def from_ours(self, params: model.Params) -> PyTree:
        kernels = (params.encoder.input_kernel, params.encoder.recurrent_kernel)
        inputs, recurrent = (np.split(x, 4, axis=1) for x in kernels)
        biases = np.split(params.encoder.bias, 4)
        cell = {f"i{gate}": {"kernel": inputs[n]} for n, gate in enumerate(GATES)}
        cell |= {
            f"h{gate}": {"kernel": recurrent[n], "bias": biases[n]}
            for n, gate in enumerate(GATES)
        }
        classifier = {"kernel": params.head.kernel, "bias": params.head.bias}
        found = {"lstm": cell, "classifier": classifier}
        return jax.tree.map(jnp.asarray, found | params.aggregator._asdict())

    def to_ours(self, params: PyTree) -> model.Params:
        def joined(side, name):
            return np.concatenate(
                [params["lstm"][side + gate][name] for gate in GATES], axis=-1
            )

        return model.Params(
            lstm.Params(
                joined("i", "kernel"), joined("h", "kernel"), joined("h", "bias")
            ),
            netvlad.Params(params["w"], params["b"], params["c"]),
            linear.Params(params["classifier"]["kernel"], params["classifier"]["bias"]),
            (),
        )
