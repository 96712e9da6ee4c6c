"""ROC curves: scikit-learn's of one network, and the mean of those of several folds."""

from dataclasses import replace

import numpy as np
import pytest
from made_predictions import make, two_networks
from sklearn.metrics import auc, roc_curve

from covid_keras.metrics.roc import roc
from covid_keras.metrics.scores import estimates


def test_of_one_network_it_is_scikit_learns():
    predictions, _ = two_networks(better=0)
    false, true, _ = roc_curve(predictions.labels, predictions.probabilities[:, 1])
    found = roc(predictions, 1)
    assert auc(*found) == pytest.approx(auc(false, true))


def test_of_folds_the_area_is_the_auc():
    predictions, _ = two_networks(better=0)
    fold = np.where(predictions.clusters < 20, "0", np.where(predictions.clusters < 33, "1", "2"))
    folds = replace(predictions, table=predictions.table.assign(fold=fold))
    false, true = roc(folds, 1)
    assert auc(false, true) == pytest.approx(estimates(folds)["auc"][1].value, abs=1e-12)
    assert (np.diff(false) >= 0).all() and (np.diff(true) >= -1e-12).all()


def test_without_images_of_a_class_there_is_no_curve():
    false, true = roc(make([0, 0], [[0.6, 0.4]] * 2, None, ("No", "Yes")), 1)
    assert len(false) == len(true) == 0
