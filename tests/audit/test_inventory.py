"""The inventory of properties by class."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from covid_keras.audit import inventory


def test_cramers_v_is_scipys_and_numbers_are_binned():
    rng = np.random.default_rng(0)
    labels = pd.Series(rng.choice(["a", "b"], 400))
    table = pd.DataFrame(
        {"source": rng.choice(["x", "y", "z"], 400), "age": rng.normal(60, 9, 400)}
    )
    table.loc[labels == "b", "age"] += 15
    found = {item.column: item for item in inventory.inventory(table, labels)}
    counts = pd.crosstab(table["source"], labels).to_numpy()
    (r, k), n = counts.shape, counts.sum()
    squared = association(counts, method="cramer") ** 2 * (min(r, k) - 1) - (r - 1) * (k - 1) / (
        n - 1
    )
    sides = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    expected = np.sqrt(max(0, squared) / (min(sides) - 1))  # Bergsma 2013, equations 5 to 8
    assert found["source"].cramers_v == pytest.approx(expected)
    assert len(found["age"].counts) == inventory.BINS and found["age"].cramers_v > 0.5
    assert list(found) == ["age", "source"], "the strongest first"


def test_a_frequent_number_is_a_category_of_its_own():
    """As X-rays scaled to one width, but of the class whose images keep their own."""
    width = np.concatenate([np.full(180, 1024.0), np.arange(400.0, 1000.0, 30.0)])
    labels = pd.Series(["a"] * 180 + ["b"] * 20)
    [item] = inventory.inventory(pd.DataFrame({"width": width}), labels)
    assert item.cramers_v == pytest.approx(1, abs=0.05)
    assert len(item.counts) == inventory.BINS
    assert item.counts.loc["1024"].tolist() == [180, 0]
    assert item.counts.drop("1024")["a"].sum() == 0


def test_many_values_by_chance_are_no_association():
    """60 images of 30 cameras, at random: Cramer's V alone says 0.7."""
    random = np.random.default_rng(0)
    counts = pd.crosstab(random.integers(30, size=60), random.integers(2, size=60)).to_numpy()
    assert association(counts, method="cramer") > 0.6
    assert inventory.corrected_cramers_v(counts) < 0.2


def test_numbers_are_in_order_of_value_and_text_in_order_of_frequency():
    rng = np.random.default_rng(0)
    labels = pd.Series(rng.choice(["a", "b"], 300))
    table = pd.DataFrame(
        {
            "bits": rng.choice([8.0, 12.0, 16.0, np.nan], 300),
            "bytes": rng.choice([np.nan, 1000.0, *rng.normal(900, 400, 40)], 300),
            "mode": rng.choice(["L", "RGB", ""], 300, p=[0.2, 0.3, 0.5]),
        }
    )
    found = {item.column: list(item.counts.index) for item in inventory.inventory(table, labels)}
    assert found["bits"] == ["8", "12", "16", "not known"]
    assert found["mode"] == ["RGB", "L", "not known"]
    *bins, last = found["bytes"]
    lowest = [float(text.strip("(").split(",")[0]) for text in bins]
    assert last == "not known" and len(bins) == inventory.BINS and lowest == sorted(lowest)
