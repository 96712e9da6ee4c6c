"""Grouped bars of accuracies."""

import pytest
from figure_text import STAMPS, words

from covid_keras.figures.bars import Panel, bars_figure

SERIES = {"mixup": {"128": [90.0, 92.0, 97.0], "480": [95.0]}, "no mixup": {"480": [93.5]}}


def test_bars_are_medians_and_whiskers_the_range_over_runs():
    figure = bars_figure([Panel("crop (pixels)", SERIES)], "T", "accuracy (%)", "C", STAMPS)
    [axes] = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [92, 95, 93.5]
    whisker = axes.collections[0].get_segments()[0]
    assert [whisker[0][1], whisker[1][1]] == [90, 97]
    assert axes.get_xlabel() == "crop (pixels)" and axes.get_ylabel() == "accuracy (%)"
    assert {"92.0", "95.0", "93.5", "128", "480"} <= set(words(figure).split())
    assert axes.get_ylim()[0] == 80 and "The axis starts at 80 %." in words(figure)


def test_published_values_are_marked():
    panel = Panel("images", {"BiT-M": {"100": [80.0]}}, {"A peer": "94.0"}, {("BiT-M", "100"): 81})
    figure = bars_figure([panel, panel], "T", "accuracy (%)", "C")
    first, second = figure.axes
    assert [bar.get_height() for bar in first.patches] == [80, 94]
    [diamond] = [line for line in second.lines if line.get_marker() == "D"]
    assert diamond.get_ydata() == pytest.approx([81])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["BiT-M", "published, same row", "published"]
    assert "94.0" in words(figure) and "A peer" in words(figure)
