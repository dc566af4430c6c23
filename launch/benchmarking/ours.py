"""vladser itself: all trials as one program, spread over the devices."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np

from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.data import batches, dataset
from vladser.engine import experiment
from vladser.engine.design import Design
from vladser.registry import objectives


class Ours:
    """All trials as one program."""

    about = "all trials as one program"
    shuffled = False

    def __init__(self, workload: Workload):
        self.workload = workload

    def prepare(self, rounds: int) -> float:
        self.events = experiment.run(_of_rounds(self.workload, rounds))
        compiled = next(self.events)
        assert isinstance(compiled, experiment.Compiled)
        return compiled.seconds

    def train(self, rows: np.ndarray) -> int:
        """Trains the next round of the plan, which has the same rows."""
        computed = 0
        for event in self.events:
            if isinstance(event, experiment.Epoch):
                break
            if isinstance(event, experiment.Step):
                computed += event.computed
        return computed

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        """Differentiates the model as a whole; that training's own gradient is the
        same, the tests of the engine assert."""
        spec, live = self.workload.spec, rows[rows >= 0]
        trial = jax.tree.map(lambda x: x[0], self.workload.trials)
        buffer = dataset.to_device(self.workload.data)
        frames, mask = dataset.gather(buffer, live, 0, self.workload.data.length.max())
        objective = objectives.build(spec.objective)

        def loss(params):
            standardized = (frames - trial.mean) * trial.scale
            vectors, logits = model.forward(params, spec, standardized, mask)
            return objective.loss(
                params.objective, trial.objective, vectors, logits, buffer.label[live]
            ).mean()

        with jax.default_matmul_precision("highest"):
            return jax.jit(jax.value_and_grad(loss))(params)


def _of_rounds(workload: Workload, rounds: int) -> Design:
    """Returns the design whose epochs, counted from 1, are the rounds, from 0."""
    # Made at once, since no contestant's schedule is timed.
    steps = [workload.round(number) for number in range(rounds)]

    class Rounds(batches.Plan):
        def epoch(self, epoch: int) -> Iterator[np.ndarray]:
            return iter(steps[epoch - 1])

    class Timed(Design):
        def plan(self, place: int) -> batches.Plan:
            return Rounds(*super().plan(place))

    condition = replace(workload.condition, epochs=rounds)
    plan = workload.plan
    return Timed([workload.data], [condition], plan.folds, plan.seeds)
