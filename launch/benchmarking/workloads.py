"""What the contestants train: a dataset, its folds, and rounds of minibatches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import NormalDist

import jax
import numpy as np

from vladser.condition import Condition, make, specification
from vladser.corpora import emotions, iemocap, readers
from vladser.data import batches, dataset, folds
from vladser.engine import trials
from vladser.features import extraction
from vladser.types import Dataset, Spec, Trial, Utterance

BATCH_SIZE = 32
CLUSTERS = 4
CONDITION = make(aggregator=f"netvlad(clusters={CLUSTERS})")  # the paper's
DESCRIPTORS = 147
_TEN_SPEAKERS = [f"{speaker:02}" for speaker in range(10)]


@dataclass(frozen=True)
class Workload:
    """Trials to train, cut into rounds: a round is an epoch, or every n-th of its
    minibatches by length, for about `frames` real frames of all trials together whose
    lengths are those of the whole."""

    name: str
    data: Dataset
    plan: batches.Plan
    frames: int
    condition: Condition = CONDITION

    @property
    def spec(self) -> Spec:
        """What the compiled program depends on."""
        dim, classes = self.data.frames.shape[1], len(self.data.emotions)
        return specification(self.condition, dim, classes)

    @cached_property
    def trials(self) -> Trial:
        """The trials, each field [trials, ...], seed by seed."""
        moments = dataset.moments(self.data)
        rectangle = trials.rectangle(
            self.data, moments, [self.condition], self.plan.folds, self.plan.seeds
        )
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rectangle)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Returns the frames of each row; those of an empty row, -1, are 0."""
        return np.where(rows >= 0, self.data.length[rows], 0)

    def round(self, number: int) -> list[np.ndarray]:
        """Returns the steps of a round, counted from 0, of utterances of similar
        lengths: int32 [seeds, folds, batch] each; -1 is an empty row."""
        steps = [*self.plan.epoch(number + 1)]
        every = max(1, round(self.plan.training_frames() / self.frames))
        every = min(every, len(steps))
        longest = [self.lengths(step).max() for step in steps]
        chosen = np.argsort(longest, kind="stable")[every // 2 :: every]
        return [steps[place] for place in sorted(chosen)]

    def rows(self, number: int) -> np.ndarray:
        """Returns the rows of a round, [steps, trials, batch]."""
        steps = np.stack(self.round(number))
        return steps.reshape(len(steps), -1, BATCH_SIZE)


def plan(
    name: str,
    data: Dataset,
    count: int,
    frames: int,
    rounds: int,
    condition: Condition = CONDITION,
) -> Workload:
    """Plans trials that leave one speaker out.

    Args:
      name: of the workload.
      data: to train on.
      count: of the trials: at most the number of speakers, or a multiple of it, which
        stands for several seeds.
      frames: real frames of a round, about, an epoch at most.
      rounds: as many as will be asked for.
      condition: what is trained.
    """
    held_out = folds.make(data, "speaker")[:count]
    seeds = range(count // len(held_out))
    schedule = batches.plan(data.length, held_out, seeds, rounds, BATCH_SIZE)
    return Workload(name, data, schedule, frames, condition)


def load(name: str, data_dir: Path | None = None, cache_dir: Path = Path()) -> Dataset:
    """Returns a dataset to train on.

    Args:
      name: emodb, EMO-DB's four classes, or without its folder noise of such lengths;
        iemocap, noise of the lengths of IEMOCAP's 5,531 utterances; or a number, noise
        of 320 utterances of that many frames, which fill all minibatches.
      data_dir: the folder of EMO-DB.
      cache_dir: where its features are kept.
    """
    if name == "iemocap":  # median 3.60 s, longest 34.1 s, 6.99 h
        return noise(iemocap.COUNTS, lognormal(5531, 360, 0.6855, 3410))
    if name != "emodb":
        each = dict.fromkeys(_TEN_SPEAKERS, (8, 8, 8, 8))
        return noise(each, np.full(320, int(name)))
    if data_dir is None:
        each = dict.fromkeys(_TEN_SPEAKERS, (9, 8, 8, 9))
        return noise(each, lognormal(340, 254, 0.4158, 893))
    corpus = readers.read("emodb", data_dir)
    chosen, classes = emotions.select(corpus, tuple((c,) for c in iemocap.CLASSES))
    smile = extraction.extract(chosen.utterances, cache_dir)
    return dataset.build(chosen.utterances, smile.features, classes, smile.feature_set)


def lognormal(count: int, median: int, sigma: float, longest: int) -> np.ndarray:
    """Returns the quantiles (i + 1/2) / count of a lognormal distribution of lengths in
    random order, in frames, cut to the longest: int64 [count]."""
    z = [NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]
    lengths = np.rint(np.minimum(median * np.exp(sigma * np.array(z)), longest))
    lengths[-1] = longest
    return np.random.default_rng(0).permutation(lengths.astype(np.int64))


def noise(counts: Mapping[str, Sequence[int]], lengths: np.ndarray) -> Dataset:
    """Returns a dataset of normally distributed features.

    Args:
      counts: utterances of each speaker by class.
      lengths: [N] of them all, in frames.
    """
    draw = np.random.default_rng(0)
    utterances = [
        Utterance(f"{speaker}_{emotion}_{take}", Path(), speaker, emotion)
        for speaker, of_classes in counts.items()
        for emotion, count in zip(iemocap.CLASSES, of_classes, strict=True)
        for take in range(count)
    ]
    features = {
        utterance.id: draw.standard_normal((length, DESCRIPTORS), np.float32)
        for utterance, length in zip(utterances, lengths, strict=True)
    }
    return dataset.build(utterances, features, iemocap.CLASSES, "noise")
