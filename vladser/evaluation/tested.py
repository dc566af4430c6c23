"""From the probabilities of the test utterances to predictions and a summary.

Metrics are taken a fold, then averaged over the folds, then over the seeds; pooled ones
come from the confusion matrix of all folds together.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from vladser import metrics
from vladser.condition import Condition, settings
from vladser.data import folds
from vladser.errors import TrainingError
from vladser.evaluation import significance
from vladser.types import Dataset, Fold


class Tested(NamedTuple):
    """One condition's test, all folds and seeds."""

    dataset: Dataset
    condition: Condition
    name: str  # among the conditions of the run
    folds: Sequence[Fold]
    seeds: Sequence[int]
    probabilities: Sequence[np.ndarray]  # one a fold, [seeds, its test rows, classes]
    part: str | None = None  # of the test set, where it has several

    def of_seeds(self, mask: np.ndarray) -> "Tested":
        """Returns the test of some of the seeds."""
        seeds = [seed for seed, taken in zip(self.seeds, mask, strict=True) if taken]
        chosen = [of_fold[mask] for of_fold in self.probabilities]
        return self._replace(seeds=seeds, probabilities=chosen)

    def by_part(self) -> list["Tested"]:
        """Returns the test of each part of the corpus's own test set, whose trainings
        are the same; itself where there is one part."""
        whole, *_ = self.folds
        parts = folds.by_part(self.dataset, whole)
        if len(parts) == 1:
            return [self]
        rows = [np.isin(whole.test, part.test) for part in parts]
        return [
            self._replace(
                folds=[part],
                probabilities=[self.probabilities[0][:, mine]],
                part=part.held_out,
            )
            for part, mine in zip(parts, rows, strict=True)
        ]

    def header(self) -> list[str]:
        """Returns the columns of `predictions`."""
        trial, utterance = ["condition", "seed", "fold"], ["utterance", "speaker"]
        classes = [f"p_{emotion}" for emotion in self.dataset.emotions]
        return [*trial, *utterance, "emotion", "predicted", *classes]

    def predictions(self) -> Iterator[list[str]]:
        """Yields a row for each test utterance of each fold and seed, see `header`.

        Probabilities have nine digits: enough to tell any two float32 apart.
        """
        data = self.dataset
        for s, seed in enumerate(self.seeds):
            for fold, of_seeds in zip(self.folds, self.probabilities, strict=True):
                for row, probabilities in zip(fold.test, of_seeds[s], strict=True):
                    if np.isnan(probabilities).any():  # the trial failed
                        continue
                    yield [
                        self.name,
                        str(seed),
                        fold.held_out,
                        data.utterances[row],
                        data.speakers[data.speaker[row]],
                        data.emotions[data.label[row]],
                        data.emotions[probabilities.argmax()],
                        *(f"{p:.9g}" for p in probabilities),
                    ]

    def summary(self) -> dict[str, Any]:
        """Returns what summary.json says of the condition.

        `confusion` is summed over folds and averaged over seeds; `std_over_seeds` is
        the sample standard deviation of the seeds' means, null for one seed; `interval`
        is that of the mean over the tested speakers, see `significance.interval`; a
        speaker is `shared` whom a fold both tests and trains or validates on.

        Raises:
          TrainingError: a probability is NaN; names the trial.
        """
        confusions = self._confusions()
        by_fold, by_speaker = confusions.sum(axis=2), confusions.sum(axis=1)
        spoken = by_speaker[0].sum(axis=(1, 2))
        heard = np.flatnonzero(spoken)
        shared = {
            speaker
            for fold in self.folds
            for speaker in folds.shared_speakers(self.dataset, fold).tolist()
        }
        averages = {
            key: _averages(metric.compute, by_fold, by_speaker[:, heard])
            for key, metric in metrics.METRICS.items()
        }
        ua_of_folds = _each(metrics.ua, by_fold).mean(axis=0)
        ua_of_speakers = _each(metrics.ua, by_speaker[:, heard]).mean(axis=0)
        return {
            "name": self.name,
            "part": self.part,
            **settings(self.condition),
            "seeds": list(self.seeds),
            "ua": averages["ua"] | {"interval": significance.interval(ua_of_speakers)},
            "wa": {name: averages["wa"][name] for name in ("mean_of_folds", "pooled")},
            "metrics": averages,
            "confusion": by_fold.sum(axis=1).mean(axis=0).tolist(),
            "folds": [
                {"held_out": fold.held_out, "utterances": len(fold.test), "ua": ua}
                for fold, ua in zip(self.folds, ua_of_folds.tolist(), strict=True)
            ],
            "speakers": [
                {
                    "speaker": self.dataset.speakers[speaker],
                    "utterances": int(spoken[speaker]),
                    "ua": ua,
                    "shared": speaker in shared,
                }
                for speaker, ua in zip(heard, ua_of_speakers.tolist(), strict=True)
            ],
        }

    def _confusions(self) -> np.ndarray:
        """Counts [seeds, folds, speakers, classes, classes]; row = truth."""
        classes = len(self.dataset.emotions)
        shape = len(self.dataset.speakers), classes, classes
        counts = np.zeros((len(self.seeds), len(self.folds), *shape), int)
        for s, f in np.ndindex(counts.shape[:2]):
            rows, probabilities = self.folds[f].test, self.probabilities[f][s]
            if np.isnan(probabilities).any():
                raise TrainingError(
                    f"{self.name}, seed {self.seeds[s]}, held out "
                    f"{self.folds[f].held_out}: the trained parameters give NaN; "
                    "a smaller learning rate may help"
                )
            speaker, label = self.dataset.speaker[rows], self.dataset.label[rows]
            np.add.at(counts[s, f], (speaker, label, probabilities.argmax(axis=-1)), 1)
        return counts


def _averages(
    metric: Callable[[np.ndarray], float], by_fold: np.ndarray, by_speaker: np.ndarray
) -> dict[str, float | None]:
    """Averages a metric of counts [seeds, folds or speakers, classes, classes]."""
    over_seeds = _each(metric, by_fold).mean(axis=1)
    several = len(over_seeds) > 1
    return {
        "mean_of_folds": float(over_seeds.mean()),
        "mean_of_speakers": float(_each(metric, by_speaker).mean(axis=0).mean()),
        "std_over_seeds": float(over_seeds.std(ddof=1)) if several else None,
        "pooled": float(_each(metric, by_fold.sum(axis=1)).mean()),
    }


def _each(metric: Callable[[np.ndarray], float], confusions: np.ndarray) -> np.ndarray:
    """Returns a metric of each of the confusion matrices [..., classes, classes]."""
    flat = confusions.reshape(-1, *confusions.shape[-2:])
    return np.array([metric(matrix) for matrix in flat]).reshape(confusions.shape[:-2])
