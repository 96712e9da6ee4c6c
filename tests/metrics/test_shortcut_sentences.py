"""What is said of probes and of the matched test: with the class, alone, at chance, refused."""

import pytest

from covid_keras.metrics.shortcut_sentences import shortcuts
from covid_keras.metrics.verdict_words import AGAINST, FOR, OPEN, PLAIN

CHANCE = {"value": 0.52, "low": 0.4, "high": 0.63, "method": "60 patients; logit"}
HIGH = {"value": 0.9, "low": 0.8, "high": 0.95, "method": "60 patients; logit"}


def probed(control=None, left_out=None, **attributes) -> dict:
    """metrics.json with probes: (from the features, from the class) of each attribute."""
    found = {
        name: {"values": {}, "auc": auc, "from_metadata": None, "from_class": by_class}
        for name, (auc, by_class) in attributes.items()
    }
    probes = {"attributes": found, "left_out": left_out or {}, "negative_control": control}
    return {"probes": probes}


def matched(refused: str = "", auc=HIGH) -> dict:
    entry = {"pairs": 42, "refused": refused, "auc": None if refused else auc, "all": HIGH}
    return {"matched": {"columns": ["age", "sex", "view"], "classes": {"ill": entry}}}


def say(metrics: dict) -> list[tuple[str, str]]:
    return [(sentence.tone, sentence.text) for sentence in shortcuts(metrics, "test")]


def test_only_what_goes_with_the_class_is_a_shortcut():
    metrics = probed(source=(HIGH, HIGH), sex=(HIGH, CHANCE), age=(HIGH, None), view=(CHANCE, HIGH))
    with_class, alone, hidden = say(metrics)
    assert with_class == (
        AGAINST,
        "Its features tell source (AUC 90.0 % [80.0, 95.0]), which in the training images goes with"
        " the class: a possible shortcut.",
    )
    assert alone[0] == PLAIN and alone[1].startswith("Its features tell sex (AUC 90.0 %")
    assert " and age (AUC" in alone[1] and alone[1].endswith("no shortcut by itself.")
    assert hidden == (FOR, "Its features are not shown to tell view (AUC 52.0 % [40.0, 63.0]).")


@pytest.mark.parametrize(
    ("metrics", "tone", "words"),
    [
        (probed("coin", coin=(CHANCE, CHANCE)), PLAIN, "coin probes at chance, as it must (AUC"),
        (probed("coin", coin=(HIGH, HIGH)), AGAINST, "the probes or the split are at fault"),
        (probed("coin", {"coin": "one value"}), OPEN, "coin was not probed: one value."),
        (matched(), FOR, "that match in age, sex and view the AUC is 90.0 % [80.0, 95.0] for ill"),
        (
            matched(auc=CHANCE),
            AGAINST,
            "on all images 90.0 % [80.0, 95.0]): not shown to be above chance.",
        ),
        (
            matched(auc=HIGH | {"high": 0.85}),
            AGAINST,
            "part of the score comes from what was matched.",
        ),
        (
            matched("no pair"),
            OPEN,
            "No score of ill on test images matched in age, sex and view: no",
        ),
        ({"training": {"runs": 1}}, OPEN, "Not tested whether it uses shortcuts"),
    ],
)
def test_each_result_is_one_sentence(metrics, tone, words):
    ((found, text),) = say(metrics)
    assert found == tone and words in text


def test_classes_with_the_same_outcome_share_a_sentence():
    metrics = matched()
    metrics["matched"]["classes"] |= {
        "well": metrics["matched"]["classes"]["ill"],
        "worse": matched(auc=CHANCE)["matched"]["classes"]["ill"],
    }
    (lost, kept) = say(metrics)
    assert lost[0] == AGAINST and "for worse (42 pairs; on all images 90.0 %" in lost[1]
    assert kept[0] == FOR and "for ill (42 pairs; " in kept[1] and " and 90.0 %" in kept[1]


def test_nothing_is_said_of_other_sets_and_of_other_programs():
    assert say({"splits": {}}) == []
    assert not [*shortcuts(matched(), "val")]
