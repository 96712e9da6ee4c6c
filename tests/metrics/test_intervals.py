"""Intervals: Wilson's numbers, variances against other ways, coverage, and degenerate cases."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_predictions import make
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from covid_keras.metrics.comparison import delong
from covid_keras.metrics.intervals import (
    auc_estimate,
    difference_bounds,
    draws,
    p_value,
    wilson,
)
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.scores import estimates, score
from covid_keras.metrics.sentences import percent

RECORDED = Path(__file__).parents[1] / "oracles" / "statsmodels.json"


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_newcombes_table(successes, trials, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_is_statsmodels():
    """97 intervals of 1 to 100,000 trials, with none and all right."""
    recorded = json.loads(RECORDED.read_text())["wilson"]
    assert len(recorded) == 97 and [0, 100_000] in [row[:2] for row in recorded]
    found = [wilson(count, trials) for count, trials, *_ in recorded]
    np.testing.assert_allclose(found, [row[2:] for row in recorded], rtol=1e-12, atol=1e-15)


CLASSES = ("No", "Yes")


def noisy(patients: int, images: int, seed: int = 0, skill: float = 1.0):
    """Predictions of patients of one label each, whose images resemble each other."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, images)
    shared = np.repeat(random.normal(size=patients), images)
    logits = skill * (2 * labels - 1) + 0.8 * shared + 0.6 * random.normal(size=labels.size)
    yes = 1 / (1 + np.exp(-2 * logits))
    ids = np.repeat(np.arange(patients), images)
    return make(labels, np.stack([1 - yes, yes], axis=1), ids, CLASSES)


def jackknife(predictions, metric) -> float:
    """The variance of a metric by leaving out one patient at a time."""
    clusters = predictions.clusters
    left = [metric(predictions.take(clusters != g)) for g in range(clusters.max() + 1)]
    return float((len(left) - 1) * np.var(left))


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "macro_auc"])
def test_the_variance_is_that_of_leaving_out_one_patient_at_a_time(name):
    predictions = noisy(60, 5)
    found = estimates(predictions)[name]
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    left_out = jackknife(predictions, lambda part: estimates(part)[name].value)
    assert found.variance == pytest.approx(left_out, rel=0.08)


def test_the_variance_of_an_auc_of_single_images_is_delongs():
    predictions = noisy(80, 1)
    scores, positive = predictions.probabilities[:, 1], predictions.labels == 1
    _, covariance = delong(positive, scores[None])
    found = auc_estimate(positive, scores, predictions.clusters)
    assert found.value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert found.variance == pytest.approx(covariance[0, 0], rel=1e-9)


def test_equal_images_of_a_patient_count_once():
    """Eight copies of each image give the interval of one."""
    one = noisy(40, 1)
    copies = one.take(np.repeat(np.arange(40), 8))
    first, second = (score(each)["metrics"] for each in (one, copies))
    assert second["macro_auc"]["low"] == pytest.approx(first["macro_auc"]["low"], abs=1e-9)
    assert second["accuracy"]["low"] == pytest.approx(first["accuracy"]["low"], abs=0.01)


def test_all_correct_is_not_certainty():
    """20 patients with 10 slices, all right: Wilson on 20, not [1, 1] and not Wilson on 200."""
    labels = np.repeat(np.arange(20) % 2, 10)
    scores = np.eye(2)[labels] * 0.8 + 0.1
    result = score(make(labels, scores, np.repeat(np.arange(20), 10), CLASSES))
    accuracy = result["metrics"]["accuracy"]
    low = 20 / (20 + t.ppf(0.975, 19) ** 2)
    assert accuracy["low"] == pytest.approx(low, abs=1e-9) and accuracy["high"] == 1
    assert accuracy["method"] == "20 patients; Wilson"
    yes = result["per_class"]["Yes"]
    low = 10 / (10 + t.ppf(0.975, 9) ** 2)
    for name in ("sensitivity", "auc", "f1"):
        assert yes[name]["low"] == pytest.approx(low, abs=1e-9)


def test_without_patients_images_are_the_units_and_proportions_have_wilsons_interval():
    random = np.random.default_rng(2)
    labels = random.integers(2, size=200)
    scores = random.dirichlet([1, 1], size=200) + np.eye(2)[labels] * 0.5
    scores /= scores.sum(axis=1, keepdims=True)
    result = score(make(labels, scores, classes=CLASSES))
    right = int(np.trace(result["confusion_matrix"]))
    accuracy = result["metrics"]["accuracy"]
    assert (accuracy["low"], accuracy["high"]) == pytest.approx(wilson(right, 200), abs=0.003)
    assert accuracy["method"] == "200 images; Wilson"
    assert result["metrics"]["macro_auc"]["method"].endswith(" images; logit")
    assert result["patients"] is None
    assert "no image has a patient id" in result["intervals"]


def test_few_patients_are_called_unreliable_beside_the_number():
    result = score(noisy(12, 8))
    yes = result["per_class"]["Yes"]["sensitivity"]
    assert yes["method"] == "unreliable: 6 patients; Wilson"
    assert percent(yes).endswith("(unreliable: 6 patients)")
    assert "unreliable" not in result["metrics"]["accuracy"]["method"]
    said = str(Metrics.of_set({"stamps": [], "splits": {"test": result}}, "test"))
    assert "* unreliable: sensitivity of No (6 patients)" in said


def test_one_patient_gives_no_interval():
    scores = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]
    result = score(make([0, 1, 1, 0], scores, [7, 7, 7, 7], CLASSES))
    assert result["metrics"]["accuracy"] == {
        "value": 0.5,
        "low": None,
        "high": None,
        "method": "none: one patient only",
    }


def test_one_class_has_its_sensitivity_and_nothing_that_it_cannot_show():
    predictions = noisy(30, 4).take(np.repeat(np.arange(30) % 2 == 1, 4))
    result = score(predictions)
    yes = result["per_class"]["Yes"]
    assert yes["sensitivity"]["low"] < yes["sensitivity"]["value"] < yes["sensitivity"]["high"]
    assert yes["auc"]["value"] is None and yes["specificity"]["value"] is None
    assert yes["ppv"]["value"] is None and yes["npv"]["value"] is None
    assert result["per_class"]["No"]["f1"]["value"] is None
    assert result["metrics"]["macro_auc"]["value"] is result["metrics"]["macro_f1"]["value"] is None


def test_a_difference_and_its_p_value_agree():
    first, second = estimates(noisy(40, 4, 0, 0.6)), estimates(noisy(40, 4, 0, 1.6))
    for name in ("accuracy", "macro_auc"):
        pair = first[name], second[name]
        p = p_value(*pair)
        low, high = difference_bounds(*pair, 1 - p)
        assert low == pytest.approx(0, abs=1e-3) and high > 0
        assert (p < 0.05) == (difference_bounds(*pair)[0] > 0)
        assert difference_bounds(pair[1], pair[0]) == pytest.approx(
            tuple(-end for end in difference_bounds(*pair)[::-1])
        )
    assert p_value(first["accuracy"], first["accuracy"]) == 1


def test_the_intervals_of_few_patients_cover_and_those_of_images_do_not():
    """20 patients of 8 alike slices, 300 times; docs/simulate_intervals.py measures all metrics."""
    covered = {"patient": 0, "image": 0}
    truth = norm.cdf(1)
    for seed in range(300):
        predictions = noisy(20, 8, seed)
        by_image = replace(predictions, table=predictions.table.assign(patient=""))
        for unit, each in (("patient", predictions), ("image", by_image)):
            low, high = estimates(each)["accuracy"].bounds()
            covered[unit] += low <= truth <= high
    assert covered["patient"] / 300 >= 0.92
    assert covered["image"] / 300 < 0.8


def test_chunks_do_not_change_the_draws(monkeypatch):
    whole = np.concatenate(list(draws(9, 50, 30, 0)))
    monkeypatch.setattr("covid_keras.metrics.intervals.CHUNK_CELLS", 90)
    np.testing.assert_array_equal(np.concatenate(list(draws(9, 50, 30, 0))), whole)


def folds_of(predictions, shift: float = 3.0):
    """The predictions in two folds of patients; the network of the second is less certain."""
    fold = np.where(predictions.clusters % 4 < 2, "0", "1")
    yes = np.clip(predictions.probabilities[:, 1], 1e-9, 1 - 1e-9)
    odds = np.log(yes / (1 - yes)) - shift * (fold == "1")
    yes = 1 / (1 + np.exp(-odds))
    table = predictions.table.assign(fold=fold)
    return replace(predictions, table=table, probabilities=np.stack([1 - yes, yes], axis=1))


def test_the_auc_of_folds_compares_images_of_one_fold_only():
    apart = folds_of(noisy(80, 3))
    areas, pairs = [], []
    for fold in "01":
        rows = apart.folds == fold
        positive = apart.labels[rows] == 1
        areas.append(roc_auc_score(positive, apart.probabilities[rows, 1]))
        pairs.append(positive.sum() * (~positive).sum())
    found = estimates(apart)["auc"][1]
    assert found.value == pytest.approx(np.average(areas, weights=pairs), abs=1e-12)
    assert roc_auc_score(apart.labels, apart.probabilities[:, 1]) < found.value - 0.05
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    left_out = jackknife(apart, lambda part: estimates(part)["auc"][1].value)
    assert found.variance == pytest.approx(left_out, rel=0.08)
    assert "AUC compares images of one fold only" in score(apart)["intervals"]


def test_a_fold_without_a_class_has_no_part_in_the_auc():
    whole = noisy(40, 1)
    lonely = replace(whole, table=whole.table.assign(fold=["1"] * 2 + ["0"] * 38))
    lonely = lonely.take(np.arange(1, 40))  # one image is alone in fold 1
    expected = estimates(whole.take(np.arange(2, 40)))["auc"][1].value
    assert estimates(lonely)["auc"][1].value == pytest.approx(expected)
