"""Matching on made columns: pairs are alike, a planted shortcut is gone, no vacuous score."""

import numpy as np
import pandas as pd
import pytest

from covid_keras.metrics.intervals import auc_estimate
from covid_keras.metrics.matching import CALIPER, LEAST_PAIRS, match


def aged(images: int = 600, years: float = 12.0):
    """Ill patients that are older by `years`, and as many others; sexes in equal parts."""
    rng = np.random.default_rng(0)
    inside = np.arange(images) % 2 == 0
    age = rng.normal(50 + years * inside, 10).round().astype(int).clip(0)
    table = pd.DataFrame({"age": age.astype(str), "sex": rng.choice(["F", "M"], images)})
    return inside, table


def test_pairs_are_alike_and_no_image_is_in_two():
    inside, table = aged()
    found = match(inside, table)
    ill, well = found.pairs.T
    assert inside[ill].all() and not inside[well].any()
    assert len(np.unique(found.pairs)) == found.pairs.size > 2 * LEAST_PAIRS
    assert (table["sex"].to_numpy()[ill] == table["sex"].to_numpy()[well]).all()
    age = table["age"].astype(float).to_numpy()
    deviation = np.sqrt((age[inside].var() + age[~inside].var()) / 2)
    assert np.abs(age[ill] - age[well]).max() <= CALIPER * deviation
    before, after = found.differences["age"]
    assert before == pytest.approx((age[inside].mean() - age[~inside].mean()) / deviation)
    assert after == pytest.approx(abs(age[ill].mean() - age[well].mean()) / deviation)
    assert found.differences["sex"][1] == 0 and not found.refused


def test_a_network_that_reads_the_age_falls_to_chance():
    inside, table = aged()
    score = table["age"].astype(float).to_numpy() + np.random.default_rng(1).normal(size=600)
    rows = match(inside, table).pairs.ravel()
    matched = auc_estimate(inside[rows], score[rows], rows)
    assert auc_estimate(inside, score, np.arange(600)).value > 0.75
    assert matched.bounds()[0] < 0.5 < matched.bounds()[1]


def test_sides_that_differ_in_the_same_text_are_not_alike_without_a_match():
    """The difference of a share is in standard deviations too (Yang and Dalton 2012)."""
    inside = np.arange(200) < 100
    table = pd.DataFrame({"sex": ["F"] * 80 + ["M"] * 20 + ["F"] * 50 + ["M"] * 50})
    found = match(inside, table)
    assert found.differences["sex"][0] == pytest.approx(0.3 / np.sqrt((0.16 + 0.25) / 2))
    assert len(found.pairs) == 70


def test_nothing_is_scored_where_the_sides_have_nothing_in_common():
    inside = np.arange(200) % 2 == 0
    table = pd.DataFrame({"source": np.where(inside, "ricord", "rsna")})
    found = match(inside, table)
    assert found.refused == f"0 pairs found, fewer than {LEAST_PAIRS}"
    assert found.differences == {"source": (None, None)}


def test_nothing_is_scored_where_the_sides_still_differ():
    """Each of the ill is older than the one healthy person of the same town, within the caliper."""
    age, town = np.arange(100) * 10.0, [f"town {number}" for number in range(100)]
    table = pd.DataFrame({"age": [*map(str, age + 50), *map(str, age)], "town": town * 2})
    found = match(np.arange(200) < 100, table)
    assert len(found.pairs) == 100
    assert found.refused.startswith("after matching, age still differs by 0.17 standard")


def test_images_with_an_unknown_value_are_left_out():
    inside, table = aged()
    table.loc[:99, "sex"] = ""
    found = match(inside, table)
    assert found.known == 500 and found.pairs.min() >= 100
    table["age"] = ""
    assert match(inside, table).refused.startswith("0 pairs")
