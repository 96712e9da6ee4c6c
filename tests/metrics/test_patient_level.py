"""From images to patients, by hand."""

import numpy as np
import pytest
from made_predictions import make

from covid_keras.metrics import patient_level

SLICES = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]] + [[0.6, 0.4]] * 3 + [[0.2, 0.8]] * 2


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("mean", [0.6, 0.4, 0.6, 0.4, 0.2, 0.8]), ("vote", [2 / 3, 1 / 3, 1, 0, 0, 1])],
)
def test_patients_by_hand(rule, expected):
    images = make([0] * 6 + [1] * 2, SLICES, ["p1"] * 3 + ["p2"] * 3 + ["p3"] * 2, ("No", "Yes"))
    found, left_out = patient_level.by_patient(images, rule)
    assert found.table["image"].tolist() == ["p1", "p2", "p3"] and left_out == 0
    assert found.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.probabilities.ravel(), expected)


def test_top_takes_each_class_highest_images():
    p = np.linspace(0.05, 0.95, 10)
    images = make([1] * 10, np.stack([1 - p, p], axis=1), ["p"] * 10, ("No", "Yes"))
    found, _ = patient_level.by_patient(images, "top")
    no, yes = np.sort(1 - p)[-5:].mean(), np.sort(p)[-5:].mean()
    np.testing.assert_allclose(found.probabilities[0], np.array([no, yes]) / (no + yes))


def test_patients_with_two_labels_are_left_out_and_counted():
    images = make([0, 1, 1], [[0.9, 0.1]] * 3, ["p", "p", "q"], ("No", "Yes"))
    found, left_out = patient_level.by_patient(images, "mean")
    assert found.table["patient"].tolist() == ["q"] and left_out == 1


def test_the_rule_is_the_best_on_val():
    """One loud slice a patient decides the mean, and not the vote."""
    quiet, loud = [0.45, 0.55], [1.0, 0.0]
    slices = ([quiet] * 5 + [loud]) * 4 + ([[0.55, 0.45]] * 5 + [[0.0, 1.0]]) * 4
    ids = np.repeat([f"p{n}" for n in range(8)], 6)
    val = make([1] * 24 + [0] * 24, slices, ids, ("No", "Yes"))
    assert patient_level.choose(val) == "vote"
