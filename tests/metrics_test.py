import numpy as np

from vladser import metrics


def test_equals_scikit_learn():
    from sklearn import metrics as sklearn  # here, as it takes a second to import

    draw = np.random.default_rng(0)
    label, predicted = draw.integers(4, size=(2, 200))
    confusion = metrics.confusion(label, predicted, 4)
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(label, predicted))
    recalls = sklearn.recall_score(label, predicted, average=None)
    np.testing.assert_allclose(metrics.recalls(confusion), recalls)
    assert np.isclose(metrics.ua(confusion), recalls.mean())
    assert np.isclose(metrics.wa(confusion), sklearn.accuracy_score(label, predicted))


def test_a_class_without_an_utterance_is_left_out_of_ua():
    confusion = metrics.confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert np.isnan(metrics.recalls(confusion)[1])
    assert metrics.ua(confusion) == 0.75
