"""Sentences and tables of metrics."""

from covid_keras.metrics import sentences


def entry(value: float, low: float, change: float) -> dict:
    bounds = {"low": low, "high": min(value + 0.1, 1)}
    return {"value": value, **bounds, "change": change, "change_low": -0.2, "change_high": 0.1}


def test_a_network_that_scores_without_the_middle_is_reported():
    scores = {"images": 9, "accuracy": entry(0.8, 0.7, -0.1), "macro_auc": entry(0.8, 0.7, -0.1)}
    said = sentences.ablation_lines({"centre blacked out": scores})
    assert said[0].endswith("macro AUC 80.0 [70.0, 90.0], change -10.0 [-20.0, +10.0]")
    assert "keeps 75 % of its AUC above chance" in said[1]
    chance = {"images": 9, "accuracy": entry(0.5, 0.4, -0.4), "macro_auc": entry(0.55, 0.45, -0.35)}
    assert len(sentences.ablation_lines({"centre blacked out": chance})) == 1
    assert sentences.kept_without({}, "centre blacked out") == ""
