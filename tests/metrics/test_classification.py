"""Metrics are those of scikit-learn; undefined ones are NaN."""

import numpy as np
import pytest
from made_predictions import make
from sklearn import metrics as sk

from covid_keras.metrics.classification import count_metrics
from covid_keras.metrics.intervals import auc_estimate

EXACT = {"rtol": 0, "atol": 1e-12}


@pytest.fixture
def noisy() -> tuple[np.ndarray, np.ndarray]:
    """500 images of three classes; rounded probabilities, so that there are ties."""
    random = np.random.default_rng(1)
    labels = random.integers(3, size=500)
    scores = random.dirichlet([1, 1, 1], size=500) + np.eye(3)[labels] * 0.3
    return labels, np.round(scores / scores.sum(axis=1, keepdims=True), 1)


def test_equal_to_scikit_learn(noisy):
    labels, scores = noisy
    predicted = scores.argmax(axis=1)
    matrix = make(labels, scores).confusion_matrix
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(labels, predicted))
    ours = count_metrics(matrix)
    assert ours["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted), abs=1e-12)
    assert ours["macro_f1"] == pytest.approx(
        sk.f1_score(labels, predicted, average="macro"), abs=1e-12
    )
    precision, recall, f1, _ = sk.precision_recall_fscore_support(labels, predicted)
    np.testing.assert_allclose(ours["ppv"], precision, **EXACT)
    np.testing.assert_allclose(ours["sensitivity"], recall, **EXACT)
    np.testing.assert_allclose(ours["f1"], f1, **EXACT)
    for k in range(3):
        is_k, called_k = labels == k, predicted == k
        specificity = sk.recall_score(~is_k, ~called_k)
        assert ours["specificity"][k] == pytest.approx(specificity, abs=1e-12)
        npv = sk.precision_score(~is_k, ~called_k)
        assert ours["npv"][k] == pytest.approx(npv, abs=1e-12)
        area = sk.roc_auc_score(is_k, scores[:, k])
        assert auc_estimate(is_k, scores[:, k], np.arange(len(is_k))).value == pytest.approx(
            area, abs=1e-12
        )


def test_a_stack_of_matrices_is_each_matrix(noisy):
    labels, scores = noisy
    parts = [make(labels[i::4], scores[i::4]).confusion_matrix for i in range(4)]
    stacked = count_metrics(np.stack(parts))
    for i, part in enumerate(parts):
        for name, value in count_metrics(part).items():
            np.testing.assert_array_equal(stacked[name][i], value)


def test_hand_count():
    """Two classes: 8 of 10 positives found, 1 of 20 negatives called positive."""
    metrics = count_metrics(np.array([[19, 1], [2, 8]]))
    assert metrics["accuracy"] == 27 / 30
    assert metrics["sensitivity"].tolist() == [19 / 20, 8 / 10]
    assert metrics["ppv"].tolist() == [19 / 21, 8 / 9]
    assert metrics["specificity"].tolist() == [8 / 10, 19 / 20]
    assert metrics["npv"].tolist() == [8 / 9, 19 / 21]
    assert metrics["f1"][1] == pytest.approx(16 / 19, abs=1e-15)


def test_undefined_is_nan_not_zero():
    """Class 2 has no images and is never predicted; class 1 has images but is never predicted."""
    metrics = count_metrics(np.array([[5, 0, 0], [3, 0, 0], [0, 0, 0]]))
    assert np.isnan(metrics["ppv"]).tolist() == [False, True, True]
    assert np.isnan(metrics["sensitivity"]).tolist() == [False, False, True]
    assert metrics["f1"][1] == 0
    assert np.isnan(metrics["f1"][2])
    assert np.isnan(metrics["macro_f1"])
    assert np.isnan(auc_estimate(np.zeros(4, bool), np.arange(4.0), np.arange(4)).value)
