"""vladser itself: all trials as one program, spread over the devices."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from launch.benchmarking.workloads import Workload
from vladser.data import batches
from vladser.engine import experiment
from vladser.engine.design import Design


class Ours:
    """All trials as one program."""

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
