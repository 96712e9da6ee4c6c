"""The confusion matrix as a figure."""

import numpy as np
from figure_text import STAMPS, words
from made_predictions import noisy

from covid_keras.figures.confusion_matrix import confusion_matrix_figure
from covid_keras.metrics.scores import score


def test_confusion_matrix_shows_counts_intervals_and_stamps():
    result = score(noisy(), resamples=50)
    figure = confusion_matrix_figure(result, STAMPS, "val")
    text = words(figure)
    assert "PHANTOM: synthetic slices, not patients" in text
    assert "Confusion matrix, val: 90 images, 30 patients" in text
    assert "patient bootstrap, 50 resamples, 30 patients" in text
    assert "predicted class" in text
    shown = [t.get_text() for t in figure.axes[0].texts]
    assert [int(t.split()[0]) for t in shown] == np.ravel(result["confusion_matrix"]).tolist()
