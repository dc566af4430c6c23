"""What the contestants train: a dataset, its folds, and rounds of minibatches."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist

import jax
import numpy as np

from vladser import registry, systems
from vladser.condition import Condition, make
from vladser.corpora import emotions, iemocap, readers
from vladser.data import batches, dataset, folds
from vladser.engine import experiment
from vladser.engine.design import Design
from vladser.features import extraction
from vladser.types import Dataset, Spec, Trial, Utterance

CONDITION = make(aggregator="netvlad(clusters=4)")  # the paper's
# What the paper compares; noise has no activation and valence.
_SYSTEMS = {
    "proposed": CONDITION,
    "dnn_elm": systems.DNN_ELM.condition,
    "attentive_cnn": systems.single_view(systems.ATTENTIVE_CNN.condition),
    "frame_lstm": systems.FRAME_LSTM.condition,
    "triplet_lstm": systems.TRIPLET_LSTM.condition,
}


@dataclass(frozen=True)
class Workload:
    """Trials to train; a round is an epoch of all of them."""

    name: str
    design: Design  # of one condition

    @property
    def data(self) -> Dataset:
        """The rows: utterances, or the pieces that the condition cuts them into."""
        return self.design.rows(0).data

    @property
    def condition(self) -> Condition:
        """What is trained."""
        return self.design.conditions[0]

    @property
    def spec(self) -> Spec:
        """What the compiled program depends on."""
        return self.design.specification(0)

    @cached_property
    def plan(self) -> batches.Plan:
        """The schedule."""
        return self.design.plan(0)

    @cached_property
    def trials(self) -> Trial:
        """The trials, each field [trials, ...], seed by seed."""
        _, _, trials = experiment.prepare(self.design)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), trials)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Returns the frames of each row; those of an empty row, -1, are 0."""
        return np.where(rows >= 0, self.data.length[rows], 0)

    def rows(self, number: int) -> np.ndarray:
        """Returns the rows of a round, counted from 0, [steps, trials, batch] int32;
        -1 is an empty row."""
        steps = np.stack([*self.plan.epoch(number + 1)])
        return steps.reshape(len(steps), -1, steps.shape[-1])


def condition(name: str) -> Condition:
    """Returns what is trained in the workload of a name: the paper's own system, unless
    it is that of another."""
    return _SYSTEMS.get(name, CONDITION)


def plan(
    name: str, data: Dataset, count: int, rounds: int, condition: Condition = CONDITION
) -> Workload:
    """Plans trials that leave one speaker out: at most as many as there are speakers,
    or a multiple of them, which are several seeds."""
    held_out = folds.make(data, "speaker")[:count]
    seeds = range(count // len(held_out))
    condition = replace(condition, epochs=rounds)
    return Workload(name, Design([data], [condition], held_out, seeds))


def load(name: str, data_dir: Path | None = None, cache_dir: Path = Path()) -> Dataset:
    """Returns the dataset of a name, as `launch.benchmark --workloads` explains it;
    utterances of one length are 320, which fill all minibatches."""
    if name == "iemocap":  # median 3.60 s, longest 34.1 s
        return noise(lognormal(560, 360, 0.6855, 3410))
    if name.isdecimal():
        return noise(np.full(320, int(name)))
    if name in _SYSTEMS or data_dir is None:  # lengths of EMO-DB
        dim = registry.features.build(condition(name).features).dim
        return noise(lognormal(340, 254, 0.4158, 893), dim=dim)
    corpus = readers.read("emodb", data_dir)
    chosen, classes = emotions.select(corpus, tuple((c,) for c in iemocap.CLASSES))
    done = extraction.extract(chosen.utterances, cache_dir)
    return dataset.build(chosen.utterances, done.features, classes, done.feature_set)


def lognormal(count: int, median: int, sigma: float, longest: int) -> np.ndarray:
    """Returns the quantiles (i + 1/2) / count of a lognormal distribution of lengths in
    random order, in frames, cut to the longest: int64 [count]."""
    z = [NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]
    lengths = np.rint(np.minimum(median * np.exp(sigma * np.array(z)), longest))
    lengths[-1] = longest
    return np.random.default_rng(0).permutation(lengths.astype(np.int64))


def noise(lengths: np.ndarray, speakers: int = 10, dim: int = 147) -> Dataset:
    """Returns a dataset of normally distributed features of utterances of `lengths` [N]
    frames, some louder than others; speakers and classes take turns."""
    draw, utterances, features = np.random.default_rng(0), [], {}
    for n, length in enumerate(lengths):
        emotion = iemocap.CLASSES[n // speakers % len(iemocap.CLASSES)]
        utterances.append(Utterance(f"{n}", Path(), f"{n % speakers:02}", emotion))
        features[f"{n}"] = draw.standard_normal((length, dim), np.float32)
    energy = {name: draw.uniform(size=len(x)) for name, x in features.items()}
    return dataset.build(utterances, features, iemocap.CLASSES, "noise", energy)
