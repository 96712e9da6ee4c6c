"""Entropy, disagreement, risk and coverage: against SciPy, by definition, and by coverage."""

import numpy as np
import pytest
from made_predictions import make
from scipy import stats

from covid_keras.metrics.intervals import wilson
from covid_keras.metrics.uncertainty import COVERAGES, disagreement, risk_coverage, selective


def drawn(images=300, classes=3, seed=0, patients=None):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), size=images)
    labels = np.array([rng.choice(classes, p=row) for row in probabilities])
    return make(labels, probabilities, patients, tuple("abcde"[:classes]))


def test_disagreement_is_the_mutual_information_of_answer_and_member():
    members = np.random.default_rng(1).dirichlet([1, 1, 1], size=(5, 40))
    joint = members / 5  # members are equally likely
    expected = [
        sum(
            stats.entropy(joint[:, n].sum(axis=axis)) for axis in (0, 1)
        ) - stats.entropy(joint[:, n].ravel())
        for n in range(40)
    ]  # fmt: skip
    assert disagreement(members) == pytest.approx(np.array(expected))
    same = np.repeat(members[:1], 3, axis=0)
    assert disagreement(same) == pytest.approx(np.zeros(40), abs=1e-12)
    sure = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert disagreement(sure)[0] == pytest.approx(np.log(2))


def test_risk_is_the_share_of_wrong_answers_among_the_surest():
    found = drawn(50)
    right, confidence = found.predicted == found.labels, found.probabilities.max(axis=1)
    coverages, risks = risk_coverage(right, confidence)
    for coverage, risk in zip(coverages, risks, strict=True):
        kept = np.argsort(-confidence)[: round(coverage * 50)]
        assert risk == pytest.approx((~right[kept]).mean())
    assert selective(found, resamples=1)["aurc"]["value"] == pytest.approx(risks.mean())
    assert coverages[-1] == 1 and risks[-1] == pytest.approx((~right).mean())


def test_equal_confidence_is_taken_in_together_in_any_order():
    right = np.array([True, False, True, False])
    for order in ([0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0]):
        coverage, risk = risk_coverage(right[order], np.full(4, 0.7))
        assert coverage.tolist() == [1] and risk.tolist() == [0.5]
        labels = (~right[order]).astype(int)  # the answer is always class 0
        unsure = make(labels, [[0.7, 0.3]] * 4, None, ("a", "b"))
        assert selective(unsure, resamples=1)["aurc"]["value"] == 0.5


def test_the_surest_are_right_more_often_where_confidence_is_honest():
    found = selective(drawn(5000, seed=3))
    assert found["aurc"]["value"] < 0.8 * found["aurc_random"]
    at = [found["accuracy_at"][str(c)]["value"] for c in COVERAGES]
    assert at == sorted(at, reverse=True)
    assert found["entropy"]["right"] < found["entropy"]["wrong"]


def test_confidence_that_says_nothing_gains_nothing():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20_000)
    labels = (rng.random(20_000) < 0.3).astype(int)  # the answer is always class 0
    found = selective(make(labels, np.stack([p, 1 - p], 1), None, ("a", "b")), resamples=200)
    assert found["aurc"]["value"] == pytest.approx(found["aurc_random"], abs=0.01)
    assert found["aurc"]["low"] < 0.3 < found["aurc"]["high"]


def test_each_resample_is_the_curve_of_the_patients_it_drew():
    patients = np.arange(60) // 6
    found = drawn(60, patients=patients)
    said = selective(found, resamples=2, seed=4)
    right, confidence = found.predicted == found.labels, found.probabilities.max(axis=1)
    areas = []
    for picked in np.random.default_rng(4).integers(10, size=(2, 10)):
        rows = np.concatenate([np.flatnonzero(patients == one) for one in picked])
        coverage, risk = risk_coverage(right[rows], confidence[rows])
        areas.append(np.diff(coverage, prepend=0) @ risk)
    bounds = np.quantile(areas, [0.025, 0.975])
    assert [said["aurc"]["low"], said["aurc"]["high"]] == pytest.approx(bounds.tolist())


def test_where_all_resamples_agree_nothing_is_certain():
    """Twenty images, the four wrong ones among the least sure: Wilson's interval stands in."""
    confidence = np.linspace(0.99, 0.6, 20)
    labels = (np.arange(20) > 15).astype(int)  # the answer is always class 0
    p = np.stack([confidence, 1 - confidence], axis=1)
    for patients, unit in ((None, "images"), (np.arange(20), "patients")):
        entry = selective(make(labels, p, patients, ("a", "b")))["accuracy_at"]["0.5"]
        assert entry["value"] == entry["high"] == 1 and entry["method"] == f"10 {unit}; Wilson"
        assert entry["low"] == pytest.approx(wilson(10, 10, stats.t.ppf(0.975, 9))[0])


@pytest.mark.slow
def test_the_interval_of_the_surest_covers_a_truth_near_one():
    def surest(images: int, seed: int):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.6, 1, images)
        wrong = rng.random(images) < np.where(p > 0.8, 0.025, 0.3)
        both = np.stack([p, 1 - p], axis=1)
        return make(wrong.astype(int), both, np.arange(images), ("a", "b"))

    entries = [selective(surest(60, n), resamples=1)["accuracy_at"]["0.5"] for n in range(300)]
    # Of 60 images often fewer than 30 are above 0.8, so the mean is below 0.975.
    truth = np.mean([entry["value"] for entry in entries])
    assert 0.95 < truth < 0.975
    assert all(entry["low"] < entry["high"] for entry in entries)
    assert np.mean([entry["low"] <= truth <= entry["high"] for entry in entries]) >= 0.93


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    truth = selective(drawn(400_000, seed=99), resamples=1)["aurc"]["value"]
    covered = 0
    for seed in range(200):
        entry = selective(drawn(250, seed=seed), resamples=300)["aurc"]
        covered += entry["low"] <= truth <= entry["high"]
    assert 0.89 <= covered / 200 <= 0.985
