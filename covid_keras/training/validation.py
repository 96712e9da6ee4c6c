"""The scores on val by which a training is watched and its best weights are chosen."""

import numpy as np
from scipy.special import log_softmax
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

SCORES = ("loss", "accuracy", "balanced_accuracy", "auc")
"""The values of the setting `training.criterion`."""


def val_scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return `SCORES` of N images: mean cross-entropy in nats, and fractions in [0, 1].

    The AUC is that of the second of two classes, else the mean of each class one-vs-rest.

    Args:
        logits: (N, K), or (N, 1): the second of two classes.
        labels: int (N,), each of the classes at least once.
    """
    logits = np.asarray(logits, np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    logs, predicted = log_softmax(logits, axis=1), logits.argmax(axis=1)
    ranked = [1] if logits.shape[1] == 2 else range(logits.shape[1])
    areas = [roc_auc_score(labels == k, logs[:, k]) for k in ranked]
    scores = (
        -logs[np.arange(len(labels)), labels].mean(),
        (predicted == labels).mean(),
        balanced_accuracy_score(labels, predicted),
        np.mean(areas),
    )
    return {name: float(score) for name, score in zip(SCORES, scores, strict=True)}


def better(score: dict, record: dict | None, criterion: str) -> bool:
    """Return whether the scores "val_..." of an evaluation beat the best so far."""
    return record is None or _merit(score, criterion) > _merit(record, criterion)


def _merit(score: dict, criterion: str) -> tuple[float, float]:
    value = score[f"val_{criterion}"]
    return (-value if criterion == "loss" else value), -score["val_loss"]
