"""The precision of matrix products is that of the condition, in every program."""

import jax
import numpy as np
import pytest
import streams
import toys
from jax.extend.core import jaxprs_in_params

from vladser.condition import make
from vladser.engine import experiment, sweep, training_step
from vladser.engine.on_devices import OnDevices
from vladser.models import export, inference

DEFAULT, HIGHEST = jax.lax.Precision.DEFAULT, jax.lax.Precision.HIGHEST


def _precisions(jaxpr):
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield from equation.params["precision"]
        for inside in jaxprs_in_params(equation.params):
            yield from _precisions(inside)


def _of(program, *arguments):
    return {*_precisions(program.trace(*arguments).jaxpr.jaxpr)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "expected"), [("default", DEFAULT), ("highest", HIGHEST)]
)
def test_each_program_multiplies_as_its_condition_says(precision, expected):
    condition = make(
        encoder="convolution(width=3,filters=8)", batch_size=12, precision=precision
    )
    design = toys.design(toys.corpus(), [condition])
    rows, plan, trials = experiment.prepare(design)
    spec = design.specification(0)
    here = OnDevices(rows.data, plan, trials, spec)
    states = sweep.init(trials, spec=spec, mesh=here.mesh)
    minibatch = here.of_trials(next(plan.epoch(1)))
    step = sweep.train_step(spec, here.mesh, here.blocks)
    given = here.trials, *here.view(minibatch)
    assert _of(step, states, *given, 1, 0) == {expected}
    evaluate = sweep.evaluate(training_step.predict, spec, here.mesh, here.blocks)
    assert _of(evaluate, states.params, *given) == {expected}

    bundle = streams.random_bundle("netvlad", precision=precision)
    frames = np.zeros((4, 1, len(bundle.mean)), np.float32)

    @jax.jit
    def classify(frames):
        carry = inference.start(bundle, 1).carry
        scaler, mask = (bundle.mean, bundle.scale), np.ones((4, 1), bool)
        given = bundle.params, scaler, carry, frames, mask
        carry, _ = inference._advance(*given, spec=bundle.spec)
        return inference._finish(bundle.params, carry, (), (), spec=bundle.spec)

    assert _of(classify, frames) == {expected}
    exported = jax.jit(export.function(bundle))
    assert _of(exported, frames.swapaxes(0, 1), np.array([4])) == {expected}
