"""Figures of a data set."""

import numpy as np
import pandas as pd
from figure_text import words

from covid_keras.figures.data_figures import (
    Example,
    counts_figure,
    example_rows_figure,
    sizes_figure,
)


def test_bars_have_their_numbers_and_axes_their_names():
    counts = pd.DataFrame({"No": [1200, 3], "Yes": [40, 5]}, index=["train", "test"])
    figure = counts_figure(counts, counts // 3, "A set", "A caption")
    assert [axes.get_ylabel() for axes in figure.axes] == ["number of images", "number of patients"]
    heights = [[bar.get_height() for bar in axes.patches] for axes in figure.axes]
    assert heights == [[1200, 3, 40, 5], [400, 1, 13, 1]]
    assert {"1,200", "400", "train", "test", "Yes"} <= set(words(figure).split())
    assert len(counts_figure(counts, None, "A set", "").axes) == 1


def test_examples_have_their_frame_and_size():
    image = np.zeros((30, 40), np.uint8)
    framed, found = Example(image, (1, 2, 30, 20)), Example(image, (0, 0, 40, 30), annotated=False)
    figure = example_rows_figure({"No": [framed, found], "Yes": [Example(image)]}, "T", "C")
    frames = [patch for axes in figure.axes for patch in axes.patches]
    assert [frame.get_bbox().bounds for frame in frames] == [
        (0.5, 1.5, 29, 18),
        (-0.5, -0.5, 40, 30),
    ]
    assert [frame.get_linestyle() for frame in frames] == ["-", "--"]
    assert "40 x 30 pixels" in words(figure)


def test_sizes_rise_to_one_for_each_class():
    figure = sizes_figure({"No": np.array([1e6, 2e6]), "Yes": np.array([5e5])}, "T", "C")
    lines = figure.axes[0].lines
    assert [line.get_ydata().max() for line in lines] == [1, 1]
    assert "No (n = 2)" in words(figure) and "million pixels" in words(figure)
