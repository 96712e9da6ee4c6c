"""The source baseline, by hand."""

import pytest
from made_records import records_by_source

from covid_keras.datasets.source_baseline import source_baseline


def test_the_source_baseline_by_hand():
    train = [("x", "a")] * 3 + [("y", "b")] * 2 + [("y", "a")]
    baseline = source_baseline(
        records_by_source(train, [("x", "a"), ("y", "b"), ("new", "a"), ("y", "a")])
    )
    assert (baseline.correct, baseline.images) == (3, 4)
    assert baseline.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert source_baseline(records_by_source(train, [("", "a")])) is None
    assert source_baseline(records_by_source(train, [])) is None
