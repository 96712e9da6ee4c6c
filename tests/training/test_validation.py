"""The scores on val, against scikit-learn's, and the choice of the best."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from covid_keras.training.validation import SCORES, better, val_scores


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_scikit_learns(classes):
    random = np.random.default_rng(classes)
    labels = random.permutation(np.arange(40) % 7 % classes)
    logits = random.normal(size=(40, classes)).astype("float32")
    powers = np.exp(logits.astype("float64"))
    outputs = powers / powers.sum(axis=1, keepdims=True)
    ranked = outputs[:, 1] if classes == 2 else outputs
    expected = {
        "loss": log_loss(labels, outputs),
        "accuracy": accuracy_score(labels, outputs.argmax(axis=1)),
        "balanced_accuracy": balanced_accuracy_score(labels, outputs.argmax(axis=1)),
        "auc": roc_auc_score(labels, ranked, multi_class="ovr"),
    }
    assert val_scores(logits, labels) == pytest.approx(expected)


def test_one_logit_is_the_second_class():
    labels, logits = np.array([0, 1, 1, 0]), np.array([[-1.0], [2.0], [-0.5], [0.3]])
    both = np.concatenate([0 * logits, logits], axis=1)
    assert val_scores(logits, labels) == val_scores(both, labels)


def test_each_criterion_chooses_and_the_lowest_loss_decides_between_equals():
    record = {f"val_{name}": 0.5 for name in SCORES}
    assert all(better(record, None, criterion) for criterion in SCORES)
    for criterion in SCORES:
        assert not better(record, record, criterion)
        side = -0.1 if criterion == "loss" else 0.1
        assert better(record | {f"val_{criterion}": 0.5 + side}, record, criterion)
        assert not better(record | {f"val_{criterion}": 0.5 - side}, record, criterion)
        assert better(record | {"val_loss": 0.4}, record, criterion)
    worse = record | {"val_loss": 0.1, "val_auc": 0.4}
    assert not better(worse, record, "auc") and better(worse, record, "loss")
