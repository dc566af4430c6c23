"""Small corpora with known properties, and trainings on them."""

import numpy as np

from vladser.aggregators.mean import mean
from vladser.condition import make, settings
from vladser.data import dataset, folds
from vladser.engine import experiment
from vladser.engine.design import Design
from vladser.types import Utterance

EMOTIONS = ("angry", "happy", "sad", "neutral")


def corpus(speakers=4, per_class=3, dim=5, seed=0, longest=40, frames=None):
    """Utterances of random frames and lengths; speakers in pairs share a session.

    `frames(label, length, generator)` makes them; noise by default.
    """
    draw = np.random.default_rng(seed)
    frames = frames or (lambda label, length, draw: draw.normal(size=(length, dim)))
    utterances, features = [], {}
    for speaker in range(speakers):
        for label, emotion in enumerate(EMOTIONS):
            for take in range(per_class + speaker % 2):
                name = f"s{speaker}_{emotion}_{take}"
                length = int(draw.integers(5, longest + 1))
                features[name] = frames(label, length, draw).astype(np.float32)
                of = f"s{speaker}", emotion, f"session{speaker // 2}"
                utterances.append(Utterance(name, None, *of))
    return dataset.build(utterances, features, EMOTIONS, "toy")


def whole_mean():
    """An aggregator that has to see all frames at once."""
    return mean()._replace(stepwise=None)


def span(corpus, row):
    """The frames of an utterance."""
    return slice(corpus.offset[row], corpus.offset[row] + corpus.length[row])


# The training of the tests. To compile one takes seconds, and what compiles once serves
# all whose corpus, batch size and numbers of seeds and trials are the same. A minibatch
# of 12 rows is two slices on a CPU, the second of them filled up.
CONDITION = make(aggregator="netvlad(clusters=2)", cells=4, epochs=2, batch_size=12)


def but(condition=CONDITION, **own):
    """The condition with some settings of its own."""
    return make(**settings(condition) | own)


# As far from CONDITION as it goes without another program.
OTHER = but(
    alpha=0.4,
    smoothing="uniform",
    noise=0.1,
    dropout=0.1,
    learning_rate=0.5,
    rho=0.9,
    class_weights=1.0,
    focal=2.0,
    logit_adjustment=1.0,
)


def design(corpus, conditions=(CONDITION,), seeds=(0, 1), made=None, **options):
    """Leave one speaker out."""
    validation = "partner" if options.get("validation") else "none"
    made = made or folds.make(corpus, "speaker", validation)
    return Design([corpus] * len(conditions), conditions, made, seeds, **options)


def train(whole, batch=None):
    """The events, and the results."""
    *events, outcome = experiment.run(whole, batch)
    return events, outcome.results
