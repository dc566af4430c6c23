"""What a training costs: the matrix products of its gradient, in floating-point
operations, and how many of these a device does in a second.

The products are counted in the program itself, so those of any part count, yours too.
What is no matrix product (gates, noise, dropout) costs about as much time as these do,
which SHARE stands for.
"""

import math
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, jaxprs_in_params
from jax.interpreters import partial_eval

from vladser import model
from vladser.engine import placement
from vladser.engine.design import Design
from vladser.types import PyTree, Spec

# Of the speed of a large matrix product that training reaches on a CPU, see
# BENCHMARKS.md: narrow networks and single trainings reach less.
SHARE = 0.45
_FRAMES = 120  # a multiple of the strides of poolings
_SIZE = 1536  # of the matrices that are timed
_SECONDS = 0.2


class Cost(NamedTuple):
    """Operations of the forward pass and of the gradient by the parameters."""

    frame: float
    row: float  # of what is done once an utterance, or a piece


def operations(function: Callable, *arguments: PyTree) -> int:
    """Counts the operations of the matrix products of a function that its results
    depend on, a product of [m] by [m, n] as 2mn; nothing is computed.

    Of a choice the dearest branch counts; the body of a loop whose length only the
    device knows counts once.

    Args:
      function, arguments: what is called; arrays may be `jax.ShapeDtypeStruct`s.
    """
    jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
    needed, _ = partial_eval.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    return _count(needed)


def _count(jaxpr: Jaxpr) -> int:
    total = 0
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        inside = [_count(part) for part in jaxprs_in_params(params)]
        if name == "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            shape = equation.invars[0].aval.shape  # type: ignore[attr-defined]
            total += _products(equation, math.prod(shape[n] for n in contracted))
        elif name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape  # type: ignore[attr-defined]
            filters = kernel[params["dimension_numbers"].rhs_spec[0]]
            total += _products(equation, math.prod(kernel) // filters)
        elif name == "scan":
            total += params["length"] * sum(inside)
        elif name == "cond":
            total += max(inside, default=0)
        else:
            total += sum(inside)
    return total


def _products(equation: Any, each: int) -> int:
    return 2 * each * equation.outvars[0].aval.size


@cache
def training(spec: Spec) -> Cost:
    """Returns what the model costs in training, without its objective and optimizer."""

    def gradient(params, frames, mask, cotangent):
        forward = partial(model.forward, spec=spec, frames=frames, mask=mask)
        value, pullback = jax.vjp(forward, params)
        return value, pullback(cotangent)

    params = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    _, size = model.sizes(spec)
    array = partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
    cotangent = array((1, size)), array((1, spec.classes))

    def of(frames):
        mask = jax.ShapeDtypeStruct((frames, 1), bool)
        inputs = array((frames, 1, spec.dim)), mask
        return operations(gradient, params, *inputs, cotangent)

    short, long = of(_FRAMES), of(2 * _FRAMES)
    return Cost((long - short) / _FRAMES, 2 * short - long)


def epoch(design: Design, place: int) -> float:
    """Returns the operations of an epoch of all folds and seeds of a condition."""
    cost, plan = training(design.specification(place)), design.plan(place)
    rows = len(plan.seeds) * sum(len(fold.train) for fold in plan.folds)
    return cost.frame * plan.training_frames() + cost.row * rows


def speed() -> float:
    """Measures the float32 operations a second of a matrix product on all local
    devices at once; takes a fraction of a second and what there is to compile."""
    devices = len(jax.local_devices())
    mesh = placement.mesh(1, devices)
    # All are alike, so that they neither grow nor vanish.
    values = jnp.full((1, devices, _SIZE, _SIZE), 1 / _SIZE)
    values = jax.device_put(values, jax.NamedSharding(mesh, placement.TRIALS))

    @jax.jit
    @placement.on_each(mesh, placement.TRIALS)
    def square(x):
        return (x[0, 0] @ x[0, 0])[None, None]

    values = jax.block_until_ready(square(square(values)))
    done, begin = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begin) < _SECONDS:
        values = jax.block_until_ready(square(values))
        done += devices
    return done * 2 * _SIZE**3 / seconds
