import numpy as np
import pytest

from vladser import metrics

pytestmark = pytest.mark.numeric


@pytest.mark.slow
def test_equals_scikit_learn():
    from sklearn import metrics as sklearn  # here, as it takes a second to import

    draw = np.random.default_rng(0)
    label, predicted = draw.integers(4, size=(2, 200))
    confusion = metrics.confusion(label, predicted, 4)
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(label, predicted))
    recalls = sklearn.recall_score(label, predicted, average=None)
    # Quotients of whole numbers, and a mean of four.
    np.testing.assert_allclose(metrics.recalls(confusion), recalls, rtol=1e-15)
    assert metrics.ua(confusion) == pytest.approx(
        sklearn.balanced_accuracy_score(label, predicted), rel=1e-15
    )
    assert metrics.wa(confusion) == sklearn.accuracy_score(label, predicted)


def test_a_class_without_an_utterance_is_left_out_of_ua():
    confusion = metrics.confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert np.isnan(metrics.recalls(confusion)[1])
    assert metrics.ua(confusion) == 0.75
    assert metrics.wa(confusion) == 2 / 3
    np.testing.assert_array_equal(confusion, [[1, 1, 0], [0, 0, 0], [0, 0, 1]])
