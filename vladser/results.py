"""From the probabilities of the test utterances to predictions and a summary.

Metrics are taken a fold, then averaged over the folds, then over the seeds; pooled ones
come from the confusion matrix of all folds together.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from vladser import metrics
from vladser.errors import TrainingError
from vladser.types import Condition, Dataset, Fold


class Tested(NamedTuple):
    """One condition's test, all folds and seeds."""

    corpus: Dataset
    condition: Condition
    folds: Sequence[Fold]
    seeds: Sequence[int]
    probabilities: np.ndarray  # [seeds, folds, N, classes]; NaN where not tested

    def confusions(self) -> np.ndarray:
        """[seeds, folds, classes, classes]; row = truth.

        Raises:
          TrainingError: a probability is NaN; names the trial.
        """
        shape = self.probabilities.shape
        found = np.zeros((*shape[:2], shape[3], shape[3]), int)
        for s, f in np.ndindex(shape[:2]):
            rows = self.folds[f].test
            probabilities = self.probabilities[s, f, rows]
            if np.isnan(probabilities).any():
                raise TrainingError(
                    f"{self.condition.name}, seed {self.seeds[s]}, held out "
                    f"{self.folds[f].held_out}: the trained parameters give NaN; "
                    "a smaller learning rate may help"
                )
            label, predicted = self.corpus.label[rows], probabilities.argmax(axis=-1)
            found[s, f] = metrics.confusion(label, predicted, shape[3])
        return found


def header(corpus: Dataset) -> list[str]:
    """The columns of `predictions`."""
    return [
        "condition",
        "seed",
        "fold",
        "utterance",
        "speaker",
        "emotion",
        "predicted",
        *(f"p_{emotion}" for emotion in corpus.emotions),
    ]


def predictions(tested: Tested) -> Iterator[list[str]]:
    """A row for each test utterance of each fold and seed, see `header`.

    Probabilities have nine digits: enough to tell any two float32 apart.
    """
    corpus = tested.corpus
    for s, seed in enumerate(tested.seeds):
        for f, fold in enumerate(tested.folds):
            for row in fold.test:
                found = tested.probabilities[s, f, row]
                yield [
                    tested.condition.name,
                    str(seed),
                    fold.held_out,
                    corpus.utterances[row],
                    corpus.speakers[corpus.speaker[row]],
                    corpus.emotions[corpus.label[row]],
                    corpus.emotions[found.argmax()],
                    *(f"{p:.9g}" for p in found),
                ]


def summary(tested: Tested) -> dict[str, Any]:
    """What summary.json says of one condition.

    `confusion` is summed over folds and averaged over seeds; `std_over_seeds` is the
    sample standard deviation of the seeds' means, null for one seed.

    Raises:
      TrainingError: a probability is NaN; names the trial.
    """
    confusions = tested.confusions()
    ua, wa = (_each(measure, confusions) for measure in (metrics.ua, metrics.wa))
    pooled = confusions.sum(axis=1)
    over_seeds = ua.mean(axis=1)
    condition = tested.condition
    return {
        "name": condition.name,
        "aggregator": str(condition.pooling),
        "smoothing": condition.smoothing,
        "alpha": condition.alpha,
        "seeds": list(tested.seeds),
        "ua": {
            "mean_of_folds": float(over_seeds.mean()),
            "std_over_seeds": float(over_seeds.std(ddof=1)) if len(ua) > 1 else None,
            "pooled": float(_each(metrics.ua, pooled).mean()),
            "interval": None,
        },
        "wa": {
            "mean_of_folds": float(wa.mean()),
            "pooled": float(_each(metrics.wa, pooled).mean()),
        },
        "confusion": pooled.mean(axis=0).tolist(),
        "folds": [
            {
                "held_out": fold.held_out,
                "utterances": len(fold.test),
                "ua": float(ua[:, f].mean()),
            }
            for f, fold in enumerate(tested.folds)
        ],
    }


def _each(measure, confusions: np.ndarray) -> np.ndarray:
    """A measure of each of the confusion matrices [..., classes, classes]."""
    flat = confusions.reshape(-1, *confusions.shape[-2:])
    return np.array([measure(one) for one in flat]).reshape(confusions.shape[:-2])
