"""Scores of maps against regions: cases computed by hand, and leads over the centre."""

import numpy as np
import pytest
from map_oracle import RECORDED

from covid_keras.metrics import localisation as loc
from covid_keras.metrics.map_sentences import map_table, verdicts


def one(*rows) -> np.ndarray:
    return np.array([rows], float)


REGION = one([1, 1, 0], [0, 0, 0], [0, 0, 0]) > 0
FOUND = one([4, 0, 3], [0, 0, 1], [0, 0, 0])


def test_scores_by_hand():
    scores = loc.image_scores(FOUND, REGION, threshold=0.5)
    # ranked: inside, outside, outside, then six equal ones with the other inside pixel
    assert scores["average_precision"] == pytest.approx([0.5 * 1 + 0.5 * 2 / 9])
    assert scores["hit_rate"] == [1]
    assert scores["mass"] == [0.5]
    assert scores["miou_val"] == pytest.approx([1 / 3])  # 4 and 3 are above half
    assert scores["miou_otsu"] == pytest.approx([1 / 3])


def test_a_threshold_is_of_the_range_of_each_map():
    assert loc.image_scores(FOUND + 7, REGION, 0.8)["miou_val"] == [0.5]
    assert "miou_val" not in loc.image_scores(FOUND, REGION)


def test_equal_maxima_hit_by_their_share_inside():
    flat = one([2, 2, 0], [2, 2, 0], [0, 0, 0])
    assert loc.hits(flat, REGION) == [0.5]


def test_a_map_without_evidence_scores_as_chance():
    scores = loc.image_scores(np.zeros((1, 3, 3)), REGION, 0.5)
    chance = {key: float(values[0]) for key, values in scores.items()}
    assert chance == pytest.approx(
        {
            "average_precision": 2 / 9,
            "hit_rate": 2 / 9,
            "mass": 2 / 9,
            "miou_otsu": 0,
            "miou_val": 0,
        }
    )


def test_ious_at_thresholds_fall_from_the_whole_to_the_peak():
    ious = loc.ious_at_thresholds(FOUND, REGION)
    assert ious.shape == (1, len(loc.THRESHOLDS))
    assert ious[0, 0] == pytest.approx(1 / 4) and ious[0, -1] == 0.5


def test_leads_are_paired_and_by_patient():
    rng = np.random.default_rng(0)
    centre = rng.uniform(0.1, 0.6, 40)
    better = centre + 0.1 + rng.normal(0, 0.01, 40)
    scores = {"centre": {"mass": centre}, "cam": {"mass": better}}
    each, pairs = (
        loc.compared_with_centre(scores, clusters, "patient")
        for clusters in (np.arange(40), np.arange(40) // 10)
    )
    assert each["cam"]["mass"]["lead"] == pytest.approx(0.1, abs=0.01)
    assert each["cam"]["mass"]["low"] < each["centre"]["mass"]["high"]  # alone they overlap
    assert each["cam"]["mass"]["lead_low"] > 0.05
    assert each["centre"]["mass"]["lead"] == each["centre"]["mass"]["lead_high"] == 0
    assert each["cam"]["mass"]["method"] == "40 patients; logit"
    assert pairs["cam"]["mass"]["method"].startswith("unreliable: 4 patients")


def entry(value, low, high, lead, lead_low, lead_high):
    bounds = {"lead": lead, "lead_low": lead_low, "lead_high": lead_high}
    return {"value": value, "low": low, "high": high, "method": "9 images; logit"} | bounds


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.1, "the map beats the centre prior (+5.0 [+1.0, +10.0])"),
        (-0.01, 0.1, "the map is not shown to beat the centre prior (+5.0 [-1.0, +10.0])"),
        (-0.1, -0.01, "the map is worse than the centre prior (+5.0 [-10.0, -1.0])"),
        (None, None, "one patient does not show which is better"),
    ],
)
def test_the_verdict_follows_the_paired_interval(low, high, said):
    maps = {
        "gradcam": {"average_precision": entry(0.15, 0.1, 0.2, 0.05, low, high)},
        "centre": {"average_precision": entry(0.1, 0.05, 0.2, 0.0, 0.0, 0.0)},
    }
    result = {"images": 9, "patients": None, "maps": maps}
    assert verdicts("other", result) == {
        "gradcam": "gradcam on other (9 images, patients unknown): average precision 15.0 [10.0,"
        f" 20.0], centre prior 10.0 [5.0, 20.0]: {said}"
    }
    assert map_table(result)[2].split("  ")[0] == "centre prior"


def test_hit_rate_and_mass_are_those_of_quantus():
    scores = loc.image_scores(RECORDED["maps"], RECORDED["regions"])
    np.testing.assert_array_equal(scores["hit_rate"], RECORDED["pointing"])
    np.testing.assert_allclose(scores["mass"], RECORDED["mass"], rtol=1e-6)
    assert set(RECORDED["pointing"]) == {0, 1}
