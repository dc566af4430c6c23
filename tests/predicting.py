"""A small trained model, and launch.predict called with it."""

from unittest import mock

import jax
import launching
import pytest

from launch import backend, cli, predict
from vladser import (
    aggregators,
    batches,
    bundle,
    corpora,
    dataset,
    experiment,
    features,
    folds,
)
from vladser.types import Condition


class Trained:
    """A model of three speakers, and what the evaluation makes of the fourth."""

    def __init__(self, folder):
        manifest = launching.write_corpus(folder / "toy")
        self.audio, self.cache = manifest.parent, folder / "cache"
        self.model, self.manifest = folder / "model", manifest
        utterances = corpora.read("manifest", manifest).utterances
        smile = features.extract(utterances, self.cache)
        data = dataset.build(
            utterances, smile.features, launching.EMOTIONS, smile.feature_set
        )
        condition = Condition(aggregators.parse("netvlad(clusters=2)"), cells=4)
        made = folds.make(data, "speaker")[-1:]
        plan = batches.plan(data.length, made, [0], epochs=2, batch_size=8)
        *_, outcome = experiment.run(data, [condition], plan)
        self.tested = {
            utterances[row].file: outcome.probabilities[0, 0, row]
            for row in made[0].test
        }
        bundle.save(
            bundle.Bundle(
                emotions=data.emotions,
                feature_set=data.feature_set,
                condition=condition,
                mean=outcome.trials.mean[0, 0],
                scale=outcome.trials.scale[0, 0],
                params=jax.tree.map(lambda x: x[0, 0], outcome.params),
                about={},
            ),
            self.model,
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return Trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def call(trained, capsys):
    """Runs it in this process: status, standard output, standard error."""

    def run(*argv, model=trained.model):
        given = [f"--model={model}", f"--cache_dir={trained.cache}", *map(str, argv)]
        with mock.patch.object(backend, "prepare"):  # conftest.py has done it
            status = cli.run(
                predict.main, predict.define, predict.read, "", given, positional="FILE"
            )
        return status, *capsys.readouterr()

    return run
