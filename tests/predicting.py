"""A small trained model, and launch.predict called with it."""

import json
from pathlib import Path
from unittest import mock

import jax
import launching
import numpy as np
import pytest

from launch import predict
from launch.command_line import backend, cli
from vladser.condition import make
from vladser.corpora import readers
from vladser.data import dataset, folds
from vladser.engine import experiment
from vladser.engine.design import Design
from vladser.features import extraction
from vladser.models import bundle


class Trained:
    """The model, and what the evaluation makes of the fourth speaker's files."""

    def __init__(self, folder):
        self.model, self.cache = folder / "model", folder / "cache"
        self.manifest = folder / "toy" / "corpus.csv"
        self.audio = self.manifest.parent
        tested = json.loads((folder / "tested.json").read_text())
        self.tested = {Path(file): np.array(odds) for file, odds in tested.items()}


def train(folder):
    """Writes a corpus, its features, and a model of three speakers into the folder."""
    launching.fill(folder)
    utterances = readers.read("manifest", folder / "toy" / "corpus.csv").utterances
    smile = extraction.extract(utterances, folder / "cache")
    data = dataset.build(
        utterances, smile.features, launching.EMOTIONS, smile.feature_set
    )
    condition = make(aggregator="netvlad(clusters=2)", cells=4, epochs=2, batch_size=8)
    (fold,) = made = folds.make(data, "speaker")[-1:]
    *_, outcome = experiment.run(Design([data], [condition], made, [0]))
    odds = outcome.results.probabilities[0][0, 0].tolist()
    files = [str(utterances[row].file) for row in fold.test]
    (folder / "tested.json").write_text(json.dumps(dict(zip(files, odds, strict=True))))
    scaler = outcome.trials.mean[0, 0], outcome.trials.scale[0, 0]
    params = jax.tree.map(lambda x: x[0, 0], outcome.params)
    model = bundle.Bundle(
        data.emotions, data.feature_set, condition, *scaler, params, {}
    )
    bundle.save(model, folder / "model")


@pytest.fixture
def call(trained, capsys):
    """Runs it in this process: status, standard output, standard error."""

    def run(*argv, model=trained.model):
        given = [f"--model={model}", f"--cache_dir={trained.cache}", *map(str, argv)]
        with mock.patch.object(backend, "prepare"):  # conftest.py has done it
            status = cli.run(predict.main, predict.Settings, "", given)
        return status, *capsys.readouterr()

    return run
