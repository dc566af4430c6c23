import jax
import numpy as np
import pytest
import toys

from vladser import aggregators, batches, bundle, dataset, experiment, folds, inference
from vladser.errors import InputError
from vladser.types import Condition

POOLINGS = ["netvlad(clusters=2)", "mean", "weighted"]


def _trained(pooling, corpus=None):
    """A bundle for each fold, and what the evaluation of the experiment found."""
    corpus = corpus or toys.corpus(speakers=3)
    condition = Condition(aggregators.parse(pooling), cells=8)
    made = folds.make(corpus, "speaker")
    plan = batches.plan(corpus.length, made, [0], epochs=2, batch_size=8)
    *_, outcome = experiment.run(corpus, [condition], plan)
    bundles = [
        bundle.Bundle(
            emotions=corpus.emotions,
            feature_set=corpus.feature_set,
            condition=condition,
            mean=outcome.trials.mean[0, fold],
            scale=outcome.trials.scale[0, fold],
            params=jax.tree.map(lambda x, f=fold: x[0, f], outcome.params),
            about={},
        )
        for fold in range(len(made))
    ]
    return corpus, made, bundles, outcome.probabilities[0]


def _features(corpus, rows):
    starts = corpus.offset[rows]
    return [corpus.frames[s : s + n] for s, n in zip(starts, corpus.length[rows])]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_bundle_predicts_what_the_evaluation_found(pooling, tmp_path):
    corpus, made, bundles, expected = _trained(pooling)
    for number, (fold, one) in enumerate(zip(made, bundles, strict=True)):
        bundle.save(one, tmp_path / str(number))
        again = bundle.load(tmp_path / str(number))
        found = inference.classify(again, _features(corpus, fold.test))
        # The same sums in another order.
        np.testing.assert_allclose(
            found.probabilities, expected[number, fold.test], atol=1e-5
        )
