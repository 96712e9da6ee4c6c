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
    expected = association(pd.crosstab(table["source"], labels).to_numpy(), method="cramer")
    assert found["source"].cramers_v == pytest.approx(expected)
    assert len(found["age"].counts) == inventory.BINS and found["age"].cramers_v > 0.5
    assert list(found) == ["age", "source"], "the strongest first"
