"""Confusion matrix, ROC, reliability and risk-coverage curves: what they say and show."""

import numpy as np
import pytest
from figure_text import STAMPS, words
from made_predictions import make, noisy
from sklearn.metrics import roc_curve

from covid_keras.figures.set_figures import (
    confusion_matrix_figure,
    reliability_figure,
    risk_coverage_figure,
    roc_figure,
)
from covid_keras.metrics import operating_point
from covid_keras.metrics.calibration import BINS, equal_width
from covid_keras.metrics.scores import score
from covid_keras.metrics.uncertainty import selective


@pytest.fixture
def predictions():
    return noisy()


def test_reliability_shows_both_calibrations_and_every_image(predictions):
    point = operating_point.fit(predictions)
    result = score(predictions) | operating_point.apply(point, predictions)
    figure = reliability_figure(predictions, result, STAMPS, "val")
    text = words(figure)
    assert "PHANTOM: synthetic slices, not patients" in text
    assert "Reliability, val: 90 images, 30 patients" in text
    assert f"temperature {point.temperature:.2f} ECE" in text and "without scaling ECE" in text
    for sizes in figure.axes[2:]:
        assert sum(bar.get_height() for bar in sizes.patches) == 90


def test_reliability_has_a_point_for_every_bin_that_is_filled(predictions):
    point = operating_point.fit(predictions)
    result = score(predictions) | operating_point.apply(point, predictions)
    figure = reliability_figure(predictions, result)
    confidence = predictions.probabilities.max(axis=1)
    bins = equal_width(confidence)
    correct = predictions.predicted == predictions.labels
    x, y = figure.axes[0].get_lines()[1].get_data()
    filled = np.unique(bins)
    assert x == pytest.approx([100 * confidence[bins == b].mean() for b in filled])
    assert y == pytest.approx([100 * correct[bins == b].mean() for b in filled])
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    assert heights == np.bincount(bins, minlength=BINS).tolist()


def test_roc_curve_is_scikit_learns_with_auc_in_the_legend(predictions):
    result = score(predictions)
    figure = roc_figure(predictions, result, STAMPS)
    lines = figure.axes[0].get_lines()[1:]
    for k, line in enumerate(lines):
        false, true, _ = roc_curve(
            predictions.labels == k, predictions.probabilities[:, k], drop_intermediate=False
        )
        np.testing.assert_allclose(line.get_xdata(), 100 * false, atol=1e-9)
        np.testing.assert_allclose(line.get_ydata(), 100 * true, atol=1e-9)
    area = 100 * result["per_class"]["NCP"]["auc"]["value"]
    assert f"NCP, AUC {area:.1f} [" in words(figure)


def test_a_class_without_images_has_no_roc_curve():
    predictions = make([0] * 5 + [1] * 3, np.tile([0.8, 0.15, 0.05], (8, 1)))
    figure = roc_figure(predictions, score(predictions))
    assert "NCP, AUC undefined" in words(figure)
    assert len(figure.axes[0].get_lines()[-1].get_xdata()) == 0


def test_risk_falls_with_the_images_that_are_kept(predictions):
    result = score(predictions) | {"uncertainty": selective(predictions, 50)}
    figure = risk_coverage_figure(predictions, result, STAMPS, "val")
    line, whole, *bounds = figure.axes[0].get_lines()
    wrong = 100 * (predictions.predicted != predictions.labels).mean()
    assert line.get_xdata()[-1] == 100
    assert line.get_ydata()[-1] == whole.get_ydata()[0] == pytest.approx(wrong)
    for bound, share in zip(bounds, (50, 80, 90), strict=True):
        at = np.interp(share, line.get_xdata(), line.get_ydata())
        low, high = bound.get_ydata()
        assert bound.get_xdata()[0] == share and low - 2 < at < high + 2
    text = words(figure)
    assert "Risk and coverage, val: 90 images, 30 patients" in text
    area = 100 * result["uncertainty"]["aurc"]["value"]
    assert f"area {area:.1f} [" in text and "PHANTOM" in text


def test_confusion_matrix_shows_counts_intervals_and_stamps():
    result = score(noisy())
    figure = confusion_matrix_figure(result, STAMPS, "val")
    text = words(figure)
    assert "PHANTOM: synthetic slices, not patients" in text
    assert "Confusion matrix, val: 90 images, 30 patients" in text
    assert "the influence of each of 30 patients" in text
    assert "predicted class" in text
    shown = [t.get_text() for t in figure.axes[0].texts]
    assert [int(t.split()[0]) for t in shown] == np.ravel(result["confusion_matrix"]).tolist()
