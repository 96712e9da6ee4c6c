"""Calibration, thresholds and patients: against scikit-learn, by hand, and fitted on val only."""

import numpy as np
import pandas as pd
import pytest
from made_predictions import make
from sklearn.metrics import brier_score_loss, log_loss, roc_curve

from covid_keras.evaluation import ablations
from covid_keras.metrics import groups, operating_point, patient_level, prevalence, text
from covid_keras.metrics.calibration import (
    BINS,
    calibration,
    equal_size,
    equal_width,
    reliability,
    scaled,
    temperature,
)
from covid_keras.metrics.scores import score
from covid_keras.metrics.text import summary_table
from covid_keras.utils.errors import InputError


def drawn(size: int = 4000, sharpness: float = 1.0, seed: int = 0):
    """Predictions of two classes whose true log-odds are the given ones over `sharpness`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, size)
    labels = (rng.random(size) < 1 / (1 + np.exp(-odds))).astype(int)
    p = 1 / (1 + np.exp(-sharpness * odds))
    return make(labels, np.stack([1 - p, p], axis=1), np.arange(size) // 4, ("No", "Yes"))


def of(predictions, probabilities=None):
    values = predictions.probabilities if probabilities is None else probabilities
    by_image = make(predictions.labels, values, None, predictions.classes)
    return calibration(by_image, resamples=100)


def test_brier_and_log_loss_are_scikit_learns():
    two = drawn()
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
    two = drawn(500)
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
    two = drawn(60)
    clusters = np.arange(60) // 6
    by_patient = make(two.labels, two.probabilities, clusters, two.classes)
    found = calibration(by_patient, resamples=1, seed=4)
    picked = np.random.default_rng(4).integers(10, size=10)
    rows = np.concatenate([np.flatnonzero(clusters == one) for one in picked])
    again = calibration(
        make(two.labels[rows], two.probabilities[rows], None, two.classes), resamples=1
    )
    for name in ("ece", "brier", "nll"):
        assert found[name]["low"] == pytest.approx(again[name]["value"])


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_too_sharp_or_too_flat(sharpness):
    val, test = drawn(sharpness=sharpness), drawn(sharpness=sharpness, seed=1)
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


def test_reliability_has_a_mean_for_every_bin_that_is_filled():
    two = drawn(300)
    found = reliability(two.labels, two.probabilities)
    assert found.images.sum() == 300 and np.isnan(found.accuracy[0])
    filled = found.images > 0
    edges = np.arange(BINS + 1) / BINS
    assert (found.confidence[filled] >= edges[:-1][filled]).all()
    assert (found.confidence[filled] <= edges[1:][filled]).all()


def test_the_threshold_is_youdens_on_scikit_learns_curve():
    val = drawn(400, seed=2)
    found = operating_point.youden(val)
    false, true, _ = roc_curve(val.labels, val.probabilities[:, 1])
    called = val.probabilities[:, 1] > found
    gain = called[val.labels == 1].mean() - called[val.labels == 0].mean()
    assert gain == pytest.approx((true - false).max())


def test_moving_the_threshold_keeps_the_ranking():
    test = drawn(400)
    moved = operating_point.at_threshold(test, 0.2)
    np.testing.assert_array_equal(moved.predicted == 1, test.probabilities[:, 1] > 0.2)
    order = np.argsort(test.probabilities[:, 1])
    assert (np.diff(moved.probabilities[order, 1]) >= 0).all()
    np.testing.assert_allclose(moved.probabilities.sum(axis=1), 1)


def test_one_class_only_leaves_the_threshold_in_the_middle():
    one = make([0, 0], [[0.4, 0.6], [0.9, 0.1]], None, ("No", "Yes"))
    assert operating_point.youden(one) == 0.5


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


def test_without_ids_there_is_no_patient_level():
    images = make([0, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes"))
    with pytest.raises(InputError, match="expected a patient id for every image"):
        patient_level.by_patient(images, "mean")
    point = operating_point.fit(images)
    assert point.patient_rule is None and "patient_level" not in operating_point.apply(
        point, images
    )


def test_the_rule_is_the_best_on_val():
    """One loud slice a patient decides the mean, and not the vote."""
    quiet, loud = [0.45, 0.55], [1.0, 0.0]
    slices = ([quiet] * 5 + [loud]) * 4 + ([[0.55, 0.45]] * 5 + [[0.0, 1.0]]) * 4
    ids = np.repeat([f"p{n}" for n in range(8)], 6)
    val = make([1] * 24 + [0] * 24, slices, ids, ("No", "Yes"))
    assert patient_level.choose(val) == "vote"


def test_beyond_says_it_all_of_one_split():
    point = operating_point.fit(drawn(800, sharpness=3, seed=5))
    found = operating_point.apply(point, drawn(400, sharpness=3))
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


def test_ppv_and_npv_at_a_prevalence_by_counting():
    """Sensitivity 0.8 and specificity 0.9 of 10,000 people, 500 of them ill."""
    assert prevalence.ppv(np.array(0.8), np.array(0.9), 0.05) == pytest.approx(400 / (400 + 950))
    assert prevalence.npv(np.array(0.8), np.array(0.9), 0.05) == pytest.approx(8550 / (8550 + 100))


def test_at_the_prevalence_of_the_split_it_is_the_splits_own():
    test = drawn(800)
    own = score(test, resamples=200)["per_class"]["Yes"]
    found = prevalence.at_prevalence(test, (test.labels == 1).mean())
    for name in ("ppv", "npv"):
        assert found[name]["value"] == pytest.approx(own[name]["value"])
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    rare = prevalence.at_prevalence(test, 0.01)
    assert rare["class"] == "Yes" and rare["ppv"]["high"] < found["ppv"]["low"]


def test_a_perfect_network_is_not_certain_of_its_ppv():
    labels = np.arange(40) % 2
    test = make(labels, np.eye(2)[labels] * 0.8 + 0.1, np.arange(40), ("No", "Yes"))
    found = prevalence.at_prevalence(test, 0.05)["ppv"]
    low = prevalence.ppv(*(np.array(20 / (20 + 1.959964**2)),) * 2, 0.05)
    assert (found["value"], found["high"]) == (1, 1)
    assert found["low"] == pytest.approx(float(low), abs=1e-6)


def test_nobody_called_positive_has_no_ppv():
    test = make([0, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes"))
    assert prevalence.at_prevalence(test, 0.1)["ppv"]["value"] is None
    with pytest.raises(InputError, match=r"more than 0 and less than 1\. Received: 5"):
        prevalence.at_prevalence(test, 5)


def test_groups_are_scored_by_themselves():
    test = drawn(90)
    known = pd.DataFrame(
        {
            "source": ["x"] * 40 + ["y"] * 45 + ["tiny"] * 5,
            "age": ["39"] * 30 + ["40"] * 30 + ["200 or so"] * 10 + [""] * 20,
            "view": ["AP"] * 90,
        }
    )
    found = groups.score_groups(test, known)
    assert {name: list(part) for name, part in found.items()} == {
        "source": ["x", "y"],
        "age": ["0 to 39", "40 to 59"],
    }
    right = test.predicted == test.labels
    assert found["source"]["y"]["accuracy"]["value"] == pytest.approx(right[40:85].mean())
    assert found["age"]["0 to 39"]["images"] == 30
    assert found["source"]["x"]["macro_auc"]["low"] < found["source"]["x"]["macro_auc"]["high"]


def test_a_source_of_one_class_has_no_auc():
    test = drawn(60)
    known = pd.DataFrame({"source": np.where(test.labels == 1, "x", "y")})
    found = groups.score_groups(test, known)["source"]
    assert found["x"]["macro_auc"] is None and found["x"]["classes"] == ["Yes"]
    said = summary_table(score(test, resamples=50) | {"groups": {"source": found}})
    assert f"source x: {(test.labels == 1).sum()} images, accuracy" in said
    assert "one class only" in said and max(map(len, said.splitlines())) <= 100


def test_regions_are_parts_of_the_image():
    found = ablations.regions(100, 200)
    outside, border = found["centre blacked out"], found["border only"]
    assert not outside[20:80, 40:160].any() and outside.sum() == 100 * 200 - 60 * 120
    assert not border[10:90, 20:180].any() and border.sum() == 100 * 200 - 80 * 160
    np.testing.assert_array_equal(found["centre only"], ~outside)


def entry(value: float, low: float, change: float) -> dict:
    bounds = {"low": low, "high": min(value + 0.1, 1)}
    return {"value": value, **bounds, "change": change, "change_low": -0.2, "change_high": 0.1}


def test_a_network_that_scores_without_the_middle_is_reported():
    scores = {"images": 9, "accuracy": entry(0.8, 0.7, -0.1), "macro_auc": entry(0.8, 0.7, -0.1)}
    said = text.ablation_lines({"centre blacked out": scores})
    assert said[0].endswith("macro AUC 80.0 [70.0, 90.0], change -10.0 [-20.0, +10.0]")
    assert "keeps 75 % of its AUC above chance" in said[1]
    chance = {"images": 9, "accuracy": entry(0.5, 0.4, -0.4), "macro_auc": entry(0.55, 0.45, -0.35)}
    assert len(text.ablation_lines({"centre blacked out": chance})) == 1
    assert text.kept_without({}, "centre blacked out") == ""


def test_where_every_patient_has_several_labels_there_is_no_patient_level():
    """As where slices are labelled one by one."""
    labels = np.arange(40) % 2
    p = np.random.default_rng(0).dirichlet([1, 1], size=40)
    mixed = make(labels, p, np.arange(40) // 4, ("No", "Yes"))
    assert not patient_level.is_possible(mixed) and operating_point.fit(mixed).patient_rule is None
    point = operating_point.fit(drawn(200))
    assert "patient_level" not in operating_point.apply(point, mixed)
    one = make(labels, p, np.where(labels == 1, "ill", np.arange(40) // 4), ("No", "Yes"))
    assert patient_level.is_possible(one) and not patient_level.is_possible(
        make(labels, p, None, ("No", "Yes"))
    )
