"""The operating point: fitted on val only, and the scores of a set at it."""

import numpy as np
import pytest
from made_predictions import make, two_classes
from sklearn.metrics import roc_curve

from covid_keras.metrics import operating_point
from covid_keras.utils.errors import InputError

SLICES = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]] + [[0.6, 0.4]] * 3 + [[0.2, 0.8]] * 2


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
        operating_point.by_patient(images, "mean")
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
    assert (
        not operating_point.has_patient_level(mixed)
        and operating_point.fit(mixed).patient_rule is None
    )
    point = operating_point.fit(two_classes(200))
    assert "patient_level" not in operating_point.apply(point, mixed)
    one = make(labels, p, np.where(labels == 1, "ill", np.arange(40) // 4), ("No", "Yes"))
    assert operating_point.has_patient_level(one) and not operating_point.has_patient_level(
        make(labels, p, None, ("No", "Yes"))
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("mean", [0.6, 0.4, 0.6, 0.4, 0.2, 0.8]), ("vote", [2 / 3, 1 / 3, 1, 0, 0, 1])],
)
def test_patients_by_hand(rule, expected):
    images = make([0] * 6 + [1] * 2, SLICES, ["p1"] * 3 + ["p2"] * 3 + ["p3"] * 2, ("No", "Yes"))
    found, left_out = operating_point.by_patient(images, rule)
    assert found.table["image"].tolist() == ["p1", "p2", "p3"] and left_out == 0
    assert found.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.probabilities.ravel(), expected)


def test_top_takes_each_class_highest_images():
    p = np.linspace(0.05, 0.95, 10)
    images = make([1] * 10, np.stack([1 - p, p], axis=1), ["p"] * 10, ("No", "Yes"))
    found, _ = operating_point.by_patient(images, "top")
    no, yes = np.sort(1 - p)[-5:].mean(), np.sort(p)[-5:].mean()
    np.testing.assert_allclose(found.probabilities[0], np.array([no, yes]) / (no + yes))


def test_patients_with_two_labels_are_left_out_and_counted():
    images = make([0, 1, 1], [[0.9, 0.1]] * 3, ["p", "p", "q"], ("No", "Yes"))
    found, left_out = operating_point.by_patient(images, "mean")
    assert found.table["patient"].tolist() == ["q"] and left_out == 1


def test_the_rule_is_the_best_on_val():
    """One loud slice a patient decides the mean, and not the vote."""
    quiet, loud = [0.45, 0.55], [1.0, 0.0]
    slices = ([quiet] * 5 + [loud]) * 4 + ([[0.55, 0.45]] * 5 + [[0.0, 1.0]]) * 4
    ids = np.repeat([f"p{n}" for n in range(8)], 6)
    val = make([1] * 24 + [0] * 24, slices, ids, ("No", "Yes"))
    assert operating_point.choose_rule(val) == "vote"
