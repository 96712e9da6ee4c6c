"""Counts, aligned tables and near misses."""

from covid_keras.utils.text import count, near_misses, percent, text_table


def test_counts_take_the_singular_for_one():
    assert [count(n, "image") for n in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
    assert count(2, "class", "classes") == "2 classes"


def test_percent():
    assert percent(0.2917) == "29.2" and percent(1.0, 0) == "100"


def test_columns_are_aligned_by_side_and_the_last_side_holds_on():
    rows = [("split", "a", "total"), ("train", "12", "7")]
    assert text_table(rows) == ["split   a  total", "train  12      7"]
    assert text_table(rows, "<", " | ") == ["split | a  | total", "train | 12 | 7    "]
    assert text_table(rows, "<>")[1] == "train  12      7"


def test_near_misses_or_all_names():
    known = ("covidx-ct-2a", "covidx-ct-2b", "folder")
    assert near_misses("CovidX-CT-2", known) == "did you mean covidx-ct-2b or covidx-ct-2a?"
    assert near_misses("?", known) == "known: covidx-ct-2a, covidx-ct-2b, folder"
