"""The operating point: fitted on val only, and the scores of a set at it."""

import numpy as np
import pytest
from made_predictions import make, two_classes
from sklearn.metrics import roc_curve

from covid_keras.metrics import operating_point, patient_level
from covid_keras.utils.errors import InputError


def test_the_threshold_is_youdens_on_scikit_learns_curve():
    val = two_classes(400, seed=2)
    found = operating_point.youden(val)
    false, true, _ = roc_curve(val.labels, val.probabilities[:, 1])
    called = val.probabilities[:, 1] > found
    gain = called[val.labels == 1].mean() - called[val.labels == 0].mean()
    assert gain == pytest.approx((true - false).max())


def test_moving_the_threshold_keeps_the_ranking():
    test = two_classes(400)
    moved = operating_point.at_threshold(test, 0.2)
    np.testing.assert_array_equal(moved.predicted == 1, test.probabilities[:, 1] > 0.2)
    order = np.argsort(test.probabilities[:, 1])
    assert (np.diff(moved.probabilities[order, 1]) >= 0).all()
    np.testing.assert_allclose(moved.probabilities.sum(axis=1), 1)


def test_one_class_only_leaves_the_threshold_in_the_middle():
    one = make([0, 0], [[0.4, 0.6], [0.9, 0.1]], None, ("No", "Yes"))
    assert operating_point.youden(one) == 0.5


def test_without_ids_there_is_no_patient_level():
    images = make([0, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes"))
    with pytest.raises(InputError, match="expected a patient id for every image"):
        patient_level.by_patient(images, "mean")
    point = operating_point.fit(images)
    assert point.patient_rule is None and "patient_level" not in operating_point.apply(
        point, images
    )


def test_a_set_is_scored_at_the_operating_point():
    point = operating_point.fit(two_classes(800, sharpness=3, seed=5))
    found = operating_point.apply(point, two_classes(400, sharpness=3))
    assert found["calibration"]["temperature"] == point.temperature > 2
    after, before = (found["calibration"][name]["ece"] for name in ("after", "before"))
    assert after["value"] < before["value"] and before["low"] < before["value"]
    assert before["method"] == "patient bootstrap"
    assert found["at_threshold"]["threshold"] == point.threshold
    level = found["patient_level"]
    assert level["rule"] == point.patient_rule and "accuracy" in level["metrics"]
    assert point.to_json()["fitted_on"] == "val"


def test_a_val_image_without_a_label_is_refused():
    with pytest.raises(InputError, match="expected a label for every image of val"):
        operating_point.fit(make([0, -1], [[0.9, 0.1]] * 2, None, ("No", "Yes")))


def test_where_every_patient_has_several_labels_there_is_no_patient_level():
    """As where slices are labelled one by one."""
    labels = np.arange(40) % 2
    p = np.random.default_rng(0).dirichlet([1, 1], size=40)
    mixed = make(labels, p, np.arange(40) // 4, ("No", "Yes"))
    assert not patient_level.is_possible(mixed) and operating_point.fit(mixed).patient_rule is None
    point = operating_point.fit(two_classes(200))
    assert "patient_level" not in operating_point.apply(point, mixed)
    one = make(labels, p, np.where(labels == 1, "ill", np.arange(40) // 4), ("No", "Yes"))
    assert patient_level.is_possible(one) and not patient_level.is_possible(
        make(labels, p, None, ("No", "Yes"))
    )
