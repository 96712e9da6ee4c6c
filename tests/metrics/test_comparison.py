"""Two runs on the same images: a published example, power and size of the tests."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_predictions import make, two_networks
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score as auc

from covid_keras.metrics.comparison import aligned, delong, delong_p, mcnemar_p, paired_differences
from covid_keras.utils.errors import InputError

PATIENTS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
"""Albumin, total protein, K-G score and outcome of 43 patients: DeLong, DeLong, Clarke-Pearson
(Biometrics 44, 1988), as printed in the SAS/STAT User's Guide, "Comparing ROC curves"."""

RECORDED = Path(__file__).parents[1] / "oracles" / "statsmodels.json"


def test_delong_is_the_published_example():
    albumin, protein, score, outcome = np.array(PATIENTS.split(), float).reshape(-1, 4).T
    areas, covariance = delong(outcome == 1, np.stack([10 - score, protein, albumin]))
    np.testing.assert_allclose(areas, [0.7258, 0.6478, 0.7366], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.1028, 0.1, 0.0927], atol=5e-5)
    contrast = np.array([[1, -1, 0], [0, -1, 1]])
    difference = contrast @ areas
    statistic = difference @ np.linalg.solve(contrast @ covariance @ contrast.T, difference)
    assert statistic == pytest.approx(2.5340, abs=5e-5)
    assert chi2.sf(statistic, 2) == pytest.approx(0.2817, abs=5e-5)


def test_delongs_areas_are_ours():
    rng = np.random.default_rng(0)
    positive, scores = rng.random(80) < 0.4, np.round(rng.random((3, 80)), 1)
    areas, _ = delong(positive, scores)
    np.testing.assert_allclose(areas, [auc(positive, row) for row in scores])
    assert delong_p(positive, scores[0], scores[0]) == 1


def test_delong_and_mcnemar_are_rarely_fooled_by_chance():
    """Two equally good networks, 400 times: p < 0.05 in about 5 %."""
    rng, found = np.random.default_rng(0), []
    for _ in range(400):
        positive = np.arange(100) % 2 == 0
        scores = rng.normal(size=(2, 100)) + positive
        right = rng.random((2, 100)) < 0.8
        found.append((delong_p(positive, *scores), mcnemar_p(*right)))
    share = (np.array(found) < 0.05).mean(axis=0)
    assert 0.02 < share[0] < 0.08 and share[1] < 0.06


@pytest.mark.parametrize(("only_one", "expected"), [((0, 0), 1.0), ((5, 0), 0.0625), ((3, 3), 1.0)])
def test_mcnemar_by_hand(only_one, expected):
    first = np.array([True] * only_one[0] + [False] * only_one[1] + [True] * 4)
    second = np.array([False] * only_one[0] + [True] * only_one[1] + [True] * 4)
    assert mcnemar_p(first, second) == pytest.approx(expected)


def test_mcnemar_is_statsmodels():
    """121 tables of up to 1,000 images that only one network gets right; p down to 1e-301."""
    recorded = json.loads(RECORDED.read_text())["mcnemar"]
    assert len(recorded) == 121
    for only_first, only_second, p in recorded:
        first = np.repeat([True, False, True, False], [only_first, only_second, 6, 3])
        second = np.repeat([False, True, True, False], [only_first, only_second, 6, 3])
        assert mcnemar_p(first, second) == pytest.approx(p, rel=1e-12, abs=0)


def test_a_better_network_is_found_and_an_equal_one_is_not():
    found = paired_differences(*two_networks(better=1.5))
    for item in found.values():
        assert item.value > 0.05 and 0 < item.low < item.value < item.high and item.p < 0.01
    found = paired_differences(*two_networks(better=0.0))
    assert all(item.low < 0 < item.high and item.p > 0.05 for item in found.values())
    first, second = two_networks(better=1.5)
    backwards = paired_differences(second, first)
    assert backwards["accuracy"].high < 0


def test_intervals_of_no_difference_cover_it():
    covered = 0
    for seed in range(100):
        item = paired_differences(*two_networks(0.0, seed, patients=40))["macro_auc"]
        covered += item.low <= 0 <= item.high
    assert 88 <= covered <= 100


def test_the_same_run_does_not_differ():
    first, _ = two_networks(better=0.0)
    for item in paired_differences(first, first).values():
        assert (item.value, item.low, item.high, item.p) == (0, 0, 0, 1)


def test_one_patient_in_a_class_gives_no_interval_of_macro_metrics():
    labels = np.repeat([0, 1], 2)
    pair = (np.array([0.2, 0.6, 0.5, 0.7]), np.array([0.2, 0.3, 0.5, 0.7]))
    patients = np.repeat(["a", "b"], 2)
    first, second = (make(labels, np.stack([1 - p, p], 1), patients, ("No", "Yes")) for p in pair)
    differences = paired_differences(first, second)
    assert differences["macro_auc"].value == pytest.approx(0.25)
    for name in ("macro_f1", "macro_auc"):
        item = differences[name]
        assert (item.low, item.high, item.p) == (None, None, None)
    assert differences["accuracy"].low is not None


def test_rows_are_matched_by_image():
    first, second = two_networks(better=0.0)
    order = np.random.default_rng(0).permutation(len(second.labels))
    shuffled = make(second.labels[order], second.probabilities[order], None, ("No", "Yes"))
    names = second.table.iloc[order].reset_index(drop=True)
    shuffled = type(second)(names, second.classes, shuffled.labels, shuffled.probabilities)
    np.testing.assert_array_equal(aligned(first, shuffled).probabilities, second.probabilities)


def test_other_images_labels_or_classes_are_refused():
    two = make([0, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes"))
    with pytest.raises(InputError, match=r"expected the classes No, Yes in both\. Received: a, b"):
        paired_differences(two, make([0, 1], [[0.9, 0.1]] * 2, None, ("a", "b")))
    with pytest.raises(InputError, match="Received: 2 and 3, of which 2 are in both"):
        paired_differences(two, make([0, 1, 1], [[0.9, 0.1]] * 3, None, ("No", "Yes")))
    with pytest.raises(InputError, match="expected the same labels in both"):
        paired_differences(two, make([1, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes")))
