"""Sentences and tables of metrics."""

from made_predictions import noisy

from covid_keras.metrics import sentences
from covid_keras.metrics.scores import score
from covid_keras.metrics.sentences import summary_table


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


def test_summary_fits_one_screen_and_says_the_stamps_first():
    result = score(noisy(300))
    stamps = ["PHANTOM: synthetic slices, not patients", "scaled: 60 of 10,000 steps", "x" * 40]
    lines = summary_table(result, stamps, title="test").splitlines()
    assert lines[0] == "!! PHANTOM: synthetic slices, not patients"
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("NCP"))
    entry = result["per_class"]["NCP"]["sensitivity"]
    assert (
        f"{100 * entry['value']:.1f} [{100 * entry['low']:.1f}, {100 * entry['high']:.1f}]" in row
    )
    assert "the influence of each of 100 patients" in lines[-1]
