"""Calibration errors and temperature scaling, against scikit-learn and by definition."""

import numpy as np
import pytest
from made_predictions import make, two_classes
from sklearn.metrics import brier_score_loss, log_loss

from covid_keras.metrics.calibration import (
    BINS,
    calibration,
    equal_size,
    equal_width,
    reliability,
    scaled,
    temperature,
)


def of(predictions, probabilities=None):
    values = predictions.probabilities if probabilities is None else probabilities
    by_image = make(predictions.labels, values, None, predictions.classes)
    return calibration(by_image, resamples=100)


def test_brier_and_log_loss_are_scikit_learns():
    two = two_classes()
    found = of(two)
    p = two.probabilities[:, 1]
    assert found["brier"]["value"] == pytest.approx(brier_score_loss(two.labels, p))
    assert found["nll"]["value"] == pytest.approx(log_loss(two.labels, p))
    rng = np.random.default_rng(1)
    three = make(rng.integers(3, size=90), rng.dirichlet([1, 1, 1], size=90), None, ("a", "b", "c"))
    found = of(three)
    expected = brier_score_loss(three.labels, three.probabilities)
    assert found["brier"]["value"] == pytest.approx(expected)
    assert found["nll"]["value"] == pytest.approx(log_loss(three.labels, three.probabilities))


def test_calibration_error_by_its_definition():
    two = two_classes(500)
    confidence, right = two.probabilities.max(axis=1), two.predicted == two.labels
    for name, bins in (("ece", equal_width(confidence)), ("adaptive_ece", equal_size(confidence))):
        expected = sum(
            abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
            for b in range(BINS)
            if (bins == b).any()
        )
        assert of(two)[name]["value"] == pytest.approx(expected)
    assert np.ptp(np.bincount(equal_size(confidence), minlength=BINS)) <= 1
    assert equal_width(np.array([1 / BINS, 1 / BINS + 1e-9, 1.0])).tolist() == [0, 1, BINS - 1]


def test_each_resample_is_the_error_of_the_patients_it_drew():
    two = two_classes(60)
    clusters = np.arange(60) // 6
    by_patient = make(two.labels, two.probabilities, clusters, two.classes)
    found = calibration(by_patient, resamples=1, seed=4)
    picked = np.random.default_rng(4).integers(10, size=10)
    rows = np.concatenate([np.flatnonzero(clusters == one) for one in picked])
    again = calibration(
        make(two.labels[rows], two.probabilities[rows], None, two.classes), resamples=1
    )
    assert found["ece"]["low"] == pytest.approx(again["ece"]["value"])


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_too_sharp_or_too_flat(sharpness):
    val, test = two_classes(sharpness=sharpness), two_classes(sharpness=sharpness, seed=1)
    found = temperature(val)
    assert found == pytest.approx(sharpness, rel=0.1)
    after = of(test, scaled(test.probabilities, found))
    assert after["ece"]["value"] < 0.03
    if sharpness != 1:
        assert after["ece"]["value"] < of(test)["ece"]["value"] / 2
        assert after["nll"]["value"] < of(test)["nll"]["value"]


def test_scaling_keeps_the_answer():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.3, 0.3, 0.3], size=50)
    np.testing.assert_allclose(scaled(p, 1.0), p, atol=1e-7)
    np.testing.assert_array_equal(scaled(p, 7.0).argmax(axis=1), p.argmax(axis=1))
    assert (scaled(p, 7.0).max(axis=1) < p.max(axis=1)).all()


def test_the_bins_of_a_reliability_diagram_hold_every_image_with_an_interval():
    predictions = two_classes(400)
    bins = reliability(predictions)
    assert sum(one["images"] for one in bins) == 400
    confidences = [one["confidence"] for one in bins]
    assert confidences == sorted(confidences) and confidences[0] >= 0.5
    right = sum(one["images"] * one["accuracy"]["value"] for one in bins)
    assert right == pytest.approx((predictions.predicted == predictions.labels).sum())
    for one in bins:
        assert one["accuracy"]["low"] <= one["accuracy"]["value"] <= one["accuracy"]["high"]
