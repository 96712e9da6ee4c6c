"""Claims: the grammar, and whether they hold."""

import numpy as np
import pytest
from made_predictions import make, noisy, two_classes

from covid_keras.metrics.calibration import calibration
from covid_keras.metrics.claims import judge, parse
from covid_keras.metrics.scores import score
from covid_keras.utils.errors import InputError


@pytest.fixture(scope="module")
def content() -> dict:
    predictions = two_classes(400)
    test = score(predictions)
    test["calibration"] = {"before": calibration(predictions, 50)}
    other = score(predictions.take(np.arange(100)))
    lead = {"lead": 0.2, "lead_low": 0.1, "lead_high": 0.3}
    return {
        "stamps": ["NOT A MEDICAL DEVICE"],
        "splits": {"test": test, "val": test, "lisbon": other, "porto": other},
        "metadata_baseline": {"columns": ["width"], "accuracy": lead, "macro_auc": lead},
    }


def holds(text: str, content: dict, default: str = "test") -> bool:
    (verdict,) = judge([parse(text, content["splits"])], content, default)
    assert verdict["claim"] == text.strip()
    return verdict["holds"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("accuracy", lambda c: c["test"]["metrics"]["accuracy"]["value"]),
        ("accuracy.low", lambda c: c["test"]["metrics"]["accuracy"]["low"]),
        ("auc.high", lambda c: c["test"]["per_class"]["Yes"]["auc"]["high"]),
        ("sensitivity[No].low", lambda c: c["test"]["per_class"]["No"]["sensitivity"]["low"]),
        ("ece", lambda c: c["test"]["calibration"]["before"]["ece"]["value"]),
        ("val.macro_f1", lambda c: c["val"]["metrics"]["macro_f1"]["value"]),
        ("lisbon.accuracy.low", lambda c: c["lisbon"]["metrics"]["accuracy"]["low"]),
        ("external.ppv", lambda c: c["porto"]["per_class"]["Yes"]["ppv"]["value"]),
        ("lead.auc.low", lambda c: 0.1),
        ("lead.accuracy", lambda c: 0.2),
        ("patients", lambda c: 100),
        ("lisbon.images", lambda c: 100),
    ],
)
def test_a_claim_holds_on_one_side_of_the_number_only(content, path, value):
    number = value(content["splits"])
    below, above = f"{number - 1e-3:.9f}", f"{number + 1e-3:.9f}"
    assert holds(f"{path} > {below}", content) and not holds(f"{path} > {above}", content)
    assert holds(f"{path} <={above}", content) and not holds(f"{path}<{below}", content)


def test_every_external_set_has_to_hold(content):
    worse = make([0, 1] * 20, [[0.6, 0.4], [0.6, 0.4]] * 20, range(40), ("No", "Yes"))
    content = content | {"splits": content["splits"] | {"porto": score(worse)}}
    assert holds("lisbon.auc > 0.7", content) and not holds("porto.auc > 0.7", content)
    assert not holds("external.auc > 0.7", content)


def test_what_was_not_measured_does_not_hold(content):
    assert not holds("patient_level.accuracy > 0", content)
    alone = content | {"splits": {"test": content["splits"]["test"]}}
    assert not holds("external.auc > 0", alone) and not holds("val.auc > 0", alone)
    missing = score(make([0] * 9, [[0.6, 0.4]] * 9, range(9), ("No", "Yes")))
    (verdict,) = judge([parse("auc > 0")], content | {"splits": {"test": missing}}, "test")
    assert not verdict["holds"] and verdict["received"] == "undefined"


def test_no_leaks_follows_the_stamps(content):
    assert holds("no-leaks", content)
    for stamp in ("LEAK: 3 of 9 test images are in train", "IMAGE-LEVEL SPLIT: one patient"):
        assert not holds("no-leaks", content | {"stamps": [stamp]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("auc", "expected .*METRIC"),
        ("__import__('os')", "expected .*METRIC"),
        ("auc > 0.8; accuracy > 0.1", "expected .*METRIC"),
        ("auc > high", "expected .*METRIC"),
        ("acuracy > 0.8", "unknown metric acuracy; did you mean accuracy"),
        ("auc.lower > 0.8", "expected value, low, high. Received: lower"),
        ("auc > 80", "expected a fraction from 0 to 1. Received: 80"),
        ("mars.auc > 0.8", "unknown metric"),
    ],
)
def test_another_grammar_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse(text)


def test_of_three_classes_one_has_to_be_named():
    content = {"stamps": [], "splits": {"test": score(noisy())}}
    assert judge([parse("auc[NCP] > 0.5")], content, "test")[0]["holds"]
    for text in ("auc > 0.5", "auc[COVID] > 0.5"):
        with pytest.raises(InputError, match="expected one of the 3 classes"):
            judge([parse(text)], content, "test")
