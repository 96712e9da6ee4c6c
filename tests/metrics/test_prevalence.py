"""PPV and NPV at a prevalence, by counting."""

import numpy as np
import pytest
from made_predictions import make, two_classes
from scipy.stats import t

from covid_keras.metrics import prevalence
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError


def test_ppv_and_npv_at_a_prevalence_by_counting():
    """Sensitivity 0.8 and specificity 0.9 of 10,000 people, 500 of them ill."""
    assert prevalence.ppv(np.array(0.8), np.array(0.9), 0.05) == pytest.approx(400 / (400 + 950))
    assert prevalence.npv(np.array(0.8), np.array(0.9), 0.05) == pytest.approx(8550 / (8550 + 100))


def test_at_the_prevalence_of_the_split_it_is_the_splits_own():
    test = two_classes(800)
    own = score(test)["per_class"]["Yes"]
    found = prevalence.at_prevalence(test, (test.labels == 1).mean())
    for name in ("ppv", "npv"):
        assert found[name]["value"] == pytest.approx(own[name]["value"])
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    rare = prevalence.at_prevalence(test, 0.01)
    assert rare["class"] == "Yes" and rare["ppv"]["high"] < found["ppv"]["low"]


def test_a_perfect_network_is_not_certain_of_its_ppv():
    labels = np.arange(40) % 2
    test = make(labels, np.eye(2)[labels] * 0.8 + 0.1, np.arange(40), ("No", "Yes"))
    found = prevalence.at_prevalence(test, 0.05)["ppv"]
    low = prevalence.ppv(*(np.array(20 / (20 + t.ppf(0.975, 19) ** 2)),) * 2, 0.05)
    assert (found["value"], found["high"]) == (1, 1)
    assert found["low"] == pytest.approx(float(low), abs=1e-6)


def test_nobody_called_positive_has_no_ppv():
    test = make([0, 1], [[0.9, 0.1]] * 2, None, ("No", "Yes"))
    assert prevalence.at_prevalence(test, 0.1)["ppv"]["value"] is None
    with pytest.raises(InputError, match=r"more than 0 and less than 1\. Received: 5"):
        prevalence.at_prevalence(test, 5)
