"""Stamps that follow from recipe and split."""

from made_records import records_by_source

from covid_keras.recipes import get
from covid_keras.runs.stamps import stamps_of


def test_a_split_that_the_source_gives_away_is_stamped():
    confounded = records_by_source([("x", "a"), ("y", "b")] * 5, [("x", "a"), ("y", "b")] * 5)
    stamp = "SOURCE-CONFOUNDED: the source label alone predicts all 10 test images correctly"
    assert stamp in stamps_of(get("ct-bit"), confounded)
    mixed = records_by_source([("x", "a"), ("x", "b")] * 5, [("x", "a"), ("x", "b")] * 5)
    assert not [s for s in stamps_of(get("ct-bit"), mixed) if s.startswith("SOURCE")]
