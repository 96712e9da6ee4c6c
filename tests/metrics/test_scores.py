"""All metrics of a set: undefined values, notes and errors."""

import numpy as np
import pytest
from made_predictions import make, noisy

from covid_keras.metrics.scores import score
from covid_keras.metrics.sentences import summary_table
from covid_keras.utils.errors import InputError


def test_it_reports_undefined_as_none_with_a_note():
    scores = np.tile([0.8, 0.15, 0.05], (8, 1))
    result = score(make([0] * 5 + [1] * 3, scores), resamples=50)
    assert result["per_class"]["CP"]["ppv"] == {
        "value": None,
        "low": None,
        "high": None,
        "method": "none: undefined",
    }
    assert result["per_class"]["NCP"]["auc"]["value"] is None
    assert result["metrics"]["macro_f1"]["value"] is None
    assert result["notes"][0].startswith(
        "Undefined, as their denominator is 0: macro_f1, macro_auc"
    )
    assert "ppv of CP" in result["notes"][0]
    assert result["confusion_matrix"] == [[5, 0, 0], [3, 0, 0], [0, 0, 0]]
    assert "undefined" in summary_table(result)


def test_images_without_a_label_are_refused():
    labels, scores = noisy(500).labels, noisy(500).probabilities
    with pytest.raises(InputError, match="1 of 500 images without one"):
        score(make([-1, *labels[1:]], scores))
