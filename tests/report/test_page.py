"""The parts of a page: scales, shares, and how a table is laid out where the page is narrow."""

from covid_keras.metrics.verdict_words import GOOD, UNKNOWN, Sentence
from covid_keras.report.page import Bar, Bars, Matrix, Page, Table, Text, settings


def test_a_value_beyond_the_scale_is_drawn_at_its_end():
    bars = Bars((), low=-0.1, high=0.1)
    assert [bars.place(value) for value in (-0.5, -0.1, 0, 0.05, 0.3)] == [0, 0, 50, 75, 100]


def test_long_labels_and_marks_stand_above_their_bars():
    short, long = (Bar(label, "1", 1, None, None) for label in ("AUC", "x" * 50))
    assert not Bars([short]).wide
    assert Bars([long]).wide and Bars([short], mark=0.5).wide


def test_a_table_with_long_cells_or_many_columns_is_stacked():
    assert Table(("a", "b"), [("x", "y" * 90)], "t").layout == "pair"
    assert Table(("a", "b", "c"), [("x", "y", "z")], "t").layout == ""
    assert Table(("a", "b", "c"), [("x", "y", "z" * 90)], "t").layout == "stack"
    assert Table(tuple("abcdefg"), [tuple("abcdefg")], "t").layout == "stack"


def test_shares_are_of_the_true_class():
    matrix = Matrix("m", ("a", "b"), [[3, 1], [0, 0]])
    assert matrix.share(0, 0) == 75 and matrix.share(1, 0) == 0


def test_answers_are_grouped_by_question_and_stamps_are_short_in_figures():
    said = [Sentence(UNKNOWN, "u"), Sentence(GOOD, "g")]
    page = Page("t", "l", ["PHANTOM: synthetic images", "not a medical device"], said)
    assert [topic for topic, _ in page.answers] == [GOOD, UNKNOWN]
    assert page.short_stamps == "PHANTOM · NOT A MEDICAL DEVICE"


def test_settings_that_are_not_known_are_said():
    assert settings({}, "Data") == Text("Not known.")
