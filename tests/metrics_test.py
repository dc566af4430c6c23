import numpy as np
import pytest

from vladser import metrics
from vladser.metrics import METRICS

pytestmark = pytest.mark.numeric


@pytest.mark.slow
@pytest.mark.parametrize("spoken", [4, 3])  # of four classes that are predicted
def test_equals_scikit_learn(spoken):
    from sklearn import metrics as sklearn  # here, as it takes a second to import

    draw = np.random.default_rng(0)
    label, predicted = draw.integers(spoken, size=200), draw.integers(4, size=200)
    confusion = metrics.confusion(label, predicted, 4)
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(label, predicted))
    options = {"labels": range(spoken), "average": "macro"}
    expected = {
        "ua": sklearn.recall_score(label, predicted, **options),
        "wa": sklearn.accuracy_score(label, predicted),
        "macro_f1": sklearn.f1_score(label, predicted, **options),
    }
    assert expected.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        # Quotients of whole numbers, and a mean of at most four.
        assert metric.compute(confusion) == pytest.approx(expected[name], rel=1e-15)
    recalls = sklearn.recall_score(label, predicted, average=None, labels=range(spoken))
    np.testing.assert_allclose(metrics.recalls(confusion)[:spoken], recalls, rtol=1e-15)


def test_baselines_guess_blindly():
    spoken = np.array([[3, 1, 0], [1, 1, 0], [0, 0, 0]])
    chance, majority = metrics.chance(spoken), metrics.majority(spoken)
    np.testing.assert_allclose(chance, [[4 / 3] * 3, [2 / 3] * 3, [0] * 3])
    np.testing.assert_array_equal(majority, [[4, 0, 0], [2, 0, 0], [0, 0, 0]])
    assert metrics.ua(chance) == pytest.approx(1 / 3)
    assert metrics.ua(majority) == 1 / 2
    assert metrics.wa(majority) == pytest.approx(2 / 3)


def test_files_without_a_table_of_metrics_have_two():
    before = {"ua": {"pooled": 0.5}, "wa": {"pooled": 0.6}, "name": "mean"}
    assert metrics.of_summary(before) == {"ua": {"pooled": 0.5}, "wa": {"pooled": 0.6}}
    now = before | {"metrics": {"ua": {"pooled": 0.5}, "macro_f1": {"pooled": 0.4}}}
    assert [*metrics.of_summary(now)] == ["ua", "wa", "macro_f1"]
