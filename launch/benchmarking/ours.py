"""vladser itself: all trials as one program, spread over the devices."""

import numpy as np

from launch.benchmarking.workloads import Workload
from vladser.engine import experiment


class Ours:
    """An experiment as `launch.main` runs it; the schedule is drawn in time."""

    def __init__(self, workload: Workload):
        self.workload = workload

    def prepare(self, rounds: int) -> float:
        self.events = experiment.run(self.workload.design)
        compiled = next(self.events)
        assert isinstance(compiled, experiment.Compiled)
        return compiled.seconds

    def train(self, rows: np.ndarray) -> int:
        """Trains the next epoch of the plan, which has the same rows."""
        computed = 0
        for event in self.events:
            if isinstance(event, experiment.Epoch):
                break
            if isinstance(event, experiment.Step):
                computed += event.computed
        return computed
