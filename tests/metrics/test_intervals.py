"""Intervals: Wilson's numbers, coverage of the patient bootstrap, and the degenerate cases."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from made_predictions import make
from sklearn.metrics import confusion_matrix

from covid_keras.metrics.classification import WeightedAUC, auc, count_metrics
from covid_keras.metrics.intervals import agreeing_interval, bootstrap, percentile_interval, wilson
from covid_keras.metrics.scores import score

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


def test_each_resample_is_the_metric_of_the_images_it_drew():
    """The vectorised bootstrap against literally repeating the drawn patients' images."""
    random = np.random.default_rng(3)
    labels, clusters = random.integers(3, size=60), random.integers(9, size=60)
    clusters[:9] = np.arange(9)
    scores = np.round(random.dirichlet([1, 1, 1], size=60), 1)
    draws = bootstrap(labels, scores, clusters, resamples=20, seed=5)
    counts = [
        np.bincount(row, minlength=9) for row in np.random.default_rng(5).integers(9, size=(20, 9))
    ]
    for i, count in enumerate(counts):
        rows = np.repeat(np.arange(60), count[clusters])
        matrix = confusion_matrix(labels[rows], scores[rows].argmax(axis=1), labels=range(3))
        for name, value in count_metrics(matrix).items():
            np.testing.assert_allclose(draws[name][i], value, rtol=0, atol=1e-12)
        areas = [auc(labels[rows] == k, scores[rows, k]) for k in range(3)]
        np.testing.assert_allclose(draws["auc"][i], areas, rtol=0, atol=1e-12)


def test_weighted_auc_without_positives_is_undefined():
    curve = WeightedAUC(np.array([True, False, False]), np.array([0.2, 0.1, 0.3]), np.arange(3))
    values = curve(np.array([[0.0, 1, 1], [2, 1, 1]]))
    assert np.isnan(values[0])
    assert values[1] == 0.5


def test_chunks_do_not_change_the_draws(monkeypatch):
    labels, scores = np.arange(30) % 2, np.random.default_rng(0).dirichlet([1, 1], size=30)
    whole = bootstrap(labels, scores, np.arange(30), resamples=50)
    monkeypatch.setattr("covid_keras.metrics.intervals.CHUNK_CELLS", 90)
    parts = bootstrap(labels, scores, np.arange(30), resamples=50)
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_patient_bootstrap_covers_and_image_bootstrap_does_not():
    """80 patients with 8 slices that agree: 95 % intervals of accuracy over 300 repetitions.

    A patient's slices are right with a probability from Beta(3, 1), mean 0.75.
    """
    random = np.random.default_rng(0)
    patients, slices, covered = 80, 8, {"patients": 0, "images": 0}
    for repetition in range(300):
        right = random.random((patients, slices)) < random.beta(3, 1, size=(patients, 1))
        labels = np.tile([0, 1], patients * slices // 2)
        hit = right.ravel()
        scores = np.where((labels == 0) == hit, 0.9, 0.1)
        scores = np.stack([scores, 1 - scores], axis=1)
        units = {"patients": np.repeat(np.arange(patients), slices), "images": np.arange(hit.size)}
        for name, clusters in units.items():
            draws = bootstrap(labels, scores, clusters, resamples=200, seed=repetition)
            interval = percentile_interval(draws["accuracy"], name)
            covered[name] += interval.low <= 0.75 <= interval.high
    assert 0.90 <= covered["patients"] / 300 <= 0.98
    assert covered["images"] / 300 < 0.85


def test_all_correct_is_not_certainty():
    """20 patients with 10 slices, all right: Wilson on 20, not [1, 1] and not Wilson on 200."""
    labels = np.repeat(np.arange(20) % 2, 10)
    scores = np.eye(2)[labels] * 0.8 + 0.1
    result = score(make(labels, scores, np.repeat(np.arange(20), 10), ("No", "Yes")), resamples=50)
    accuracy = result["metrics"]["accuracy"]
    assert accuracy == {
        "value": 1.0,
        "low": pytest.approx(1 - 0.1611, abs=5e-5),
        "high": 1.0,
        "method": "Wilson, 20 patients",
    }
    yes = result["per_class"]["Yes"]
    ten = 10 / (10 + 1.959964**2)
    assert yes["sensitivity"]["low"] == pytest.approx(ten, abs=1e-6)
    assert yes["auc"]["low"] == pytest.approx(ten, abs=1e-6)
    assert yes["f1"]["low"] == pytest.approx(2 * ten / (1 + ten), abs=1e-6)
    assert result["metrics"]["macro_auc"]["low"] == pytest.approx(ten, abs=1e-6)


def test_all_wrong_has_an_upper_bound():
    assert agreeing_interval("auc", 0.0, 20, "image").low == 0
    assert agreeing_interval("auc", 0.0, 20, "image").high == pytest.approx(0.1611, abs=5e-5)


def test_a_network_that_always_answers_the_same_is_not_certain_of_its_ppv():
    """30 patients, each with one image of either class, all called No: PPV 0.5, not [0.5, 0.5]."""
    scores = np.tile([0.9, 0.1], (60, 1))
    predictions = make([0, 1] * 30, scores, np.arange(60) // 2, ("No", "Yes"))
    no = score(predictions, resamples=50)["per_class"]["No"]
    assert (no["ppv"]["low"], no["ppv"]["high"]) == wilson(15, 30)
    jaccard = np.array(wilson(15, 30))
    assert [no["f1"]["low"], no["f1"]["high"]] == pytest.approx(2 * jaccard / (1 + jaccard))


def test_without_patients_wilson_for_proportions_and_images_for_the_rest():
    random = np.random.default_rng(2)
    labels = random.integers(2, size=200)
    scores = random.dirichlet([1, 1], size=200) + np.eye(2)[labels] * 0.5
    scores /= scores.sum(axis=1, keepdims=True)
    result = score(make(labels, scores, classes=("No", "Yes")), resamples=200)
    right = int(np.trace(result["confusion_matrix"]))
    accuracy = result["metrics"]["accuracy"]
    assert (accuracy["low"], accuracy["high"]) == wilson(right, 200)
    assert accuracy["method"] == "Wilson"
    assert result["metrics"]["macro_auc"]["method"] == "image bootstrap"
    assert result["patients"] is None
    assert "no image has a patient id" in result["intervals"]


def test_resamples_that_miss_a_class_are_dropped_and_counted():
    """Class Yes rests on 2 of 12 patients: a resample misses both with probability 0.11."""
    labels = np.repeat([1, 1] + [0] * 10, 4)
    hit = np.random.default_rng(0).random(48) < 0.75
    scores = np.where((labels == 1) == hit, 0.8, 0.3)
    scores = np.stack([1 - scores, scores], axis=1)
    predictions = make(labels, scores, np.repeat(np.arange(12), 4), ("No", "Yes"))
    result = score(predictions, resamples=1000)
    few, dropped = result["notes"]
    assert dropped.startswith("Undefined in some of 1,000 resamples, which are left out")
    assert 80 <= int(re.search(r"sensitivity of Yes \((\d+)\)", dropped)[1]) <= 150
    assert "sensitivity of Yes (2)" in few
    assert "specificity of Yes" not in few


def test_one_patient_gives_no_interval():
    scores = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]
    result = score(make([0, 1, 1, 0], scores, [7, 7, 7, 7], ("No", "Yes")), resamples=20)
    assert result["metrics"]["accuracy"] == {
        "value": 0.5,
        "low": None,
        "high": None,
        "method": "none: one patient only",
    }


def test_same_seed_same_interval_other_seed_another():
    random = np.random.default_rng(4)
    labels, scores = random.integers(2, size=300), random.dirichlet([1, 1], size=300)
    predictions = make(labels, scores, np.arange(300) // 6, ("No", "Yes"))
    first, again, other = (score(predictions, s, 200)["metrics"]["accuracy"] for s in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.slow
def test_the_size_of_covidx_ct_2a_in_ten_seconds():
    """25,658 images, 426 patients, three classes, 2,000 resamples: 2.3 s on one core."""
    random = np.random.default_rng(0)
    patients = random.integers(426, size=25658)
    scores = random.dirichlet([1, 1, 1], size=25658)
    start = time.perf_counter()
    score(make(patients % 3, scores, patients))
    assert time.perf_counter() - start < 10
