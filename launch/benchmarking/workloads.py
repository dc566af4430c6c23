"""What the contestants train on: a corpus, its folds, and rounds of minibatches."""

from dataclasses import dataclass, field

import jax
import numpy as np

from vladser.condition import Condition
from vladser.data import batches, dataset, folds
from vladser.engine import trials
from vladser.types import Dataset, Part, Spec, Trial

BATCH_SIZE = 32
CLUSTERS = 4
CONDITION = Condition(Part("netvlad", (("clusters", CLUSTERS),)))  # the paper's


@dataclass(frozen=True)
class Workload:
    """Trainings, and what they do in each round.

    A round is part of an epoch, every n-th of its minibatches in the order of length,
    or several epochs: about `frames` real frames, whose lengths are those of the whole.

    Attributes:
      frames: real frames a round, all trainings together.
      plan: the folds, seeds and minibatches of ours.
    """

    name: str
    corpus: Dataset
    plan: batches.Plan
    frames: int
    condition: Condition = CONDITION
    trials: Trial = field(init=False)  # [trials, ...], seed by seed

    def __post_init__(self):
        rectangle = trials.rectangle(
            self.corpus,
            dataset.moments(self.corpus),
            [self.condition],
            self.plan.folds,
            self.plan.seeds,
        )
        rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rectangle)
        object.__setattr__(self, "trials", rows)

    @property
    def spec(self) -> Spec:
        return trials.specification(self.corpus, [self.condition])

    def round(self, number: int) -> list[np.ndarray]:
        """The steps of a round, counted from 0: minibatches of similar lengths."""
        steps = self._epochs(number)
        every = max(1, round(self.plan.training_frames() / self.frames))
        every = min(every, len(steps))
        longest = [self.plan.lengths[step[step >= 0]].max(initial=0) for step in steps]
        chosen = np.argsort(longest, kind="stable")[every // 2 :: every]
        return [steps[place] for place in sorted(chosen)]

    def sorted_rows(self, number: int) -> np.ndarray:
        """The rows of a round, int32 [steps, trials, batch]; -1 is an empty row."""
        return self._flat(self.round(number))

    def random_rows(self, number: int) -> np.ndarray:
        """As many steps, but minibatches to which the utterances of whole epochs were
        dealt by chance."""
        rows = self._flat(self._epochs(number))
        dealt = np.full_like(rows, -1)
        for trial in range(rows.shape[1]):
            live = rows[:, trial][rows[:, trial] >= 0]
            draw = np.random.default_rng((number, trial))
            dealt[:, trial].flat[: len(live)] = draw.permutation(live)
        return dealt[: len(self.round(number))]

    def _epochs(self, number: int) -> list[np.ndarray]:
        """All steps of the epochs, one at least, that a round is made from."""
        epochs = max(1, round(self.frames / self.plan.training_frames()))
        first = 1 + number * epochs
        return [
            step
            for epoch in range(first, first + epochs)
            for step in self.plan.epoch(epoch)
        ]

    def _flat(self, steps: list[np.ndarray]) -> np.ndarray:
        return np.stack(steps).reshape(len(steps), -1, BATCH_SIZE)


def make(
    name: str,
    corpus: Dataset,
    trainings: int,
    frames: int,
    rounds: int,
    condition: Condition = CONDITION,
) -> Workload:
    """A workload of some trainings of a corpus, leaving one speaker out.

    Args:
      trainings: at most the number of speakers, or a multiple of it: several seeds.
      frames: see `Workload`.
      rounds: as many as will be asked for.
    """
    held_out = folds.make(corpus, "speaker")[:trainings]
    seeds = range(trainings // len(held_out))
    once = sum(int(corpus.length[fold.train].sum()) for fold in held_out) * len(seeds)
    epochs = rounds * max(1, round(frames / once))
    plan = batches.plan(corpus.length, held_out, seeds, epochs, BATCH_SIZE)
    return Workload(name, corpus, plan, frames, condition)
