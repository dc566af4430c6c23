"""vladser itself: all trainings as one program, spread over the devices."""

from collections.abc import Iterator

import jax
import numpy as np

from launch.benchmarking.contestant import Timed
from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.data import batches, dataset
from vladser.engine import experiment, training_step
from vladser.engine.timeblocks import BLOCK


class Contestant:
    about = "all trainings as one program"

    def __init__(self, workload: Workload):
        self.workload = workload

    def prepare(self, rounds: int) -> float:
        workload = self.workload
        plan = _rounds(workload, rounds)
        self.events = experiment.run(workload.corpus, [workload.condition], plan)
        compiled = next(self.events)
        assert isinstance(compiled, experiment.Compiled)
        self.train(0)
        return compiled.seconds

    def train(self, number: int) -> Timed:
        frames, computed, seconds = 0, 0, 0.0
        for event in self.events:
            if isinstance(event, experiment.Epoch):
                return Timed(frames, computed, seconds)
            if isinstance(event, experiment.Step):
                frames += event.frames
                computed += event.computed
                seconds += event.seconds
        raise ValueError(f"round {number} was not prepared")

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        spec, corpus = self.workload.spec, self.workload.corpus
        trial = jax.tree.map(lambda x: x[0], self.workload.trials)
        capacity = -(-int(corpus.length.max()) // BLOCK)
        draws = training_step.no_draws(spec, len(rows), capacity)
        workspace = training_step.workspace(params, spec, len(rows), capacity)

        @jax.jit
        def summed(params, rows):
            return training_step.value_and_gradient(
                params,
                spec,
                trial,
                dataset.to_device(corpus),
                rows,
                draws,
                0,
                workspace,
            )

        with jax.default_matmul_precision("highest"):
            loss, gradient, _ = summed(params, rows)
        live = (rows >= 0).sum()
        return loss / live, jax.tree.map(lambda x: x / live, gradient)


def _rounds(workload: Workload, rounds: int) -> batches.Plan:
    """The plan whose epochs, counted from 1, are the rounds, counted from 0."""
    # Here, for no contestant's schedule is timed: of an epoch, a round may use a part.
    steps = [workload.round(number) for number in range(rounds)]

    class Rounds(batches.Plan):
        def epoch(self, epoch: int) -> Iterator[np.ndarray]:
            return iter(steps[epoch - 1])

    return Rounds(*workload.plan)._replace(epochs=rounds)
