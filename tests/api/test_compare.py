"""`compare` of runs and tables, of two and of several."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_predictions import two_networks

import covid_keras
from covid_keras.metrics.comparison import Difference, holm, paired_differences
from covid_keras.utils.errors import InputError


def table(predictions) -> pd.DataFrame:
    """Predictions as another program would write them: shuffled, of one class, other names."""
    frame = predictions.table.rename(columns={"image": "filename", "patient": "case_id"})
    frame = frame.assign(score=predictions.probabilities[:, 1])
    return frame.sample(frac=1, random_state=0)


def test_tables_are_compared_as_runs_are(tmp_path):
    first, second = two_networks(better=1.5)
    table(second).to_csv(tmp_path / "second.csv", index=False)
    found = covid_keras.compare(table(first), tmp_path / "second.csv", positive="Yes")
    assert found.stamps == ("NOT A MEDICAL DEVICE",)
    expected = paired_differences(first, second)
    for name, difference in found.differences.items():
        assert difference.value == pytest.approx(expected[name].value)
        assert difference.low == pytest.approx(expected[name].low, abs=1e-6)
    assert "second.csv" in str(found) and "DeLong" in str(found)


def test_several_are_adjusted_by_holm():
    first, second = two_networks(better=0.5)
    _, third = two_networks(better=1.5)
    one = covid_keras.compare(table(first), table(second), positive="Yes")
    both = covid_keras.compare(table(first), table(second), table(third), positive="Yes")
    assert len(both.pairs) == 2 and "adjusted for 2 comparisons" in str(both)
    for name, difference in one.differences.items():
        assert both.pairs[0][name].p >= difference.p
        assert both.pairs[0][name].low == difference.low


def test_holm_is_holms():
    """Of p = 0.01, 0.04, 0.03 and one undefined: 3 x 0.01, and 2 x 0.03, which 0.04 cannot undo."""
    pairs = [{"a": Difference(0, 0, None, None, p)} for p in (0.01, 0.04, None, 0.03)]
    assert [pair["a"].p for pair in holm(pairs)] == [0.03, 0.06, None, 0.06]


def test_a_misfit_says_what_is_shared():
    first, second = two_networks(better=1.0)
    names = second.table["image"].replace({"0.png": "x/0.png", "1.png": "x/1.png"})
    moved = replace(second, table=second.table.assign(image=names))
    with pytest.raises(
        InputError, match=r"of which 238 are in both; only in the first: 0.png, .*x/0"
    ):
        covid_keras.compare(table(first), table(moved), positive="Yes")
    labels = np.where(np.arange(len(second.labels)) == 3, 1 - second.labels, second.labels)
    names = np.asarray(second.classes)[labels]
    other = replace(second, labels=labels, table=second.table.assign(label=names))
    with pytest.raises(InputError, match=r"3.png as No and Yes, as 1 of 240 images"):
        covid_keras.compare(table(first), table(other), positive="Yes")
