"""The ROC curve of a class against the others, also of several folds."""

import numpy as np
from sklearn.metrics import roc_curve

from covid_keras.metrics.predictions import Predictions


def roc(predictions: Predictions, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 1 - specificity and sensitivity of class `k`, (n,) each; empty without two sides.

    Of several folds it is the mean of their curves at each specificity, weighted by pairs of
    images: the area below it is the AUC, which compares images of one fold only.
    """
    curves, weights = [], []
    for fold in np.unique(predictions.folds):
        rows = predictions.folds == fold
        positive, scores = predictions.labels[rows] == k, predictions.probabilities[rows, k]
        if pairs := positive.sum() * (~positive).sum():
            curves.append(roc_curve(positive, scores, drop_intermediate=False)[:2])
            weights.append(pairs)
    if len(curves) < 2:
        return curves[0] if curves else (np.zeros(0), np.zeros(0))
    grid = np.unique(np.concatenate([false for false, _ in curves]))
    ends = [  # below and above each vertical step
        (np.interp(-grid, -false[::-1], true[::-1]), np.interp(grid, false, true))
        for false, true in curves
    ]
    mean = np.average(ends, axis=0, weights=weights)
    return np.repeat(grid, 2), mean.T.ravel()
