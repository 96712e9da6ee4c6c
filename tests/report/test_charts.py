"""Charts as values: where points are drawn, round ticks, and many points in little space."""

import re

import numpy as np
import pytest

from covid_keras.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Chart, Line

X = Axis("x", 0, 100)


def chart(*lines: Line) -> Chart:
    return Chart("a chart", X, X, lines)


def test_the_corners_of_the_axes_are_the_corners_of_the_frame():
    made = chart()
    assert (made.left(0), made.left(100)) == (LEFT, WIDTH - RIGHT)
    assert (made.top(0), made.top(100)) == (HEIGHT - BOTTOM, TOP)


def test_a_line_goes_through_its_points_and_whiskers_stand_on_them():
    line = Line((0, 50, 100), (0, 100, 50), low=(0, 90, 40), high=(10, 100, 60))
    made = chart(line)
    points = re.findall(r"([\d.]+) ([\d.]+)", made.path(line))
    places = [
        (f"{made.left(x):g}", f"{made.top(y):g}") for x, y in zip(line.x, line.y, strict=True)
    ]
    assert points == places
    assert made.whiskers(line).count("V") == 3
    assert made.path(Line((), ())) == "" and made.whiskers(Line((1,), (1,))) == ""


def test_a_line_of_many_points_is_short_and_ends_where_it_ends():
    x = np.linspace(0, 100, 100_000)
    made = chart()
    path = made.path(Line(x, x))
    assert path.count("L") < 1000 and path.endswith(f"L{WIDTH - RIGHT:g} {TOP:g}")


def test_a_hundred_thousand_points_stay_below_two_megabytes():
    x, y = np.random.default_rng(0).uniform(0, 100, (2, 100_000))
    dots = chart().dots(Line(x, y))
    assert len(dots) < 2_000_000
    assert chart().dots(Line((1, 1, 1), (2, 2, 2))).count("h0") == 1, "equal points once"


@pytest.mark.parametrize(
    ("values", "texts"),
    [([0, 1200], ["0", "250", "500"]), ([0, 0.001], ["0.00000", "0.00025", "0.00050"])],
)
def test_ticks_are_round_numbers(values, texts):
    axis = Axis.over("x", values, 0)
    assert [text for _, text in axis.ticks][:3] == texts
    assert all(axis.low <= value <= axis.high for value, _ in axis.ticks)


def test_an_axis_of_one_value_has_room():
    axis = Axis.over("x", [3.0])
    assert axis.low < 3 < axis.high
