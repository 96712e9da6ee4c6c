"""The t-SNE figure."""

import numpy as np
from figure_text import STAMPS

from covid_keras.figures.embedding import tsne_figure


def test_tsne_draws_every_point_by_class_and_split():
    points = np.random.default_rng(0).normal(size=(12, 2))
    labels, splits = ["A", "B", "B"] * 4, ["train"] * 6 + ["test"] * 6
    figure = tsne_figure(points, labels, splits, ("A", "B"), STAMPS)
    axes = figure.axes[0]
    assert sum(len(group.get_offsets()) for group in axes.collections) == 12
    assert len(axes.collections) == 4
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["A, train (n = 2)", "A, test (n = 2)", "B, train (n = 4)", "B, test (n = 4)"]
