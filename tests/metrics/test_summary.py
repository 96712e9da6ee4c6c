"""The console's summary: one screen, the verdict first."""

import pytest
from made_predictions import noisy

from covid_keras.metrics import operating_point
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.sentences import percent
from covid_keras.metrics.set_scores import score_set

STAMPS = [
    "PHANTOM: synthetic images, not patients",
    "SCALED to run without a GPU: not the paper's settings",
    "CHANGED from the paper: input.resize, input.crop, training.batch, training.schedule",
    "NO EXTERNAL TEST",
    "NOT A MEDICAL DEVICE",
]
TRAINING = {"runs": 1, "network": "resnet18", "dataset": "Lungs", "images": 9000, "patients": 2000}


@pytest.fixture(scope="module")
def content() -> dict:
    predictions = noisy(300)
    point = operating_point.fit(predictions)
    groups = predictions.table[["source"]]
    result = score_set(predictions, groups, point, prevalence=0.1, resamples=20)
    lead = {"lead": 0.2, "lead_low": 0.1, "lead_high": 0.3}
    scores = {name: result["metrics"][name] | lead for name in ("accuracy", "macro_auc")}
    baseline = {"columns": ["width", "height"], "images": 300} | scores
    metrics = {"stamps": STAMPS, "splits": {"test": result}, "training": TRAINING}
    return metrics | {"metadata_baseline": baseline}


def test_it_fits_one_screen_with_the_verdict_before_the_table(content):
    lines = str(Metrics.of_set(content, "test")).splitlines()
    assert len(lines) <= 36 and max(map(len, lines)) <= 80
    assert lines[0].startswith("!! PHANTOM: synthetic images, not patients · SCALED to run")
    starts = [line.partition(":")[0] for line in lines]
    order = ["What it is", "How good", "Compared with what", "Where it looks"]
    order += ["Not tested or unknown", "test"]
    assert [starts.index(part) for part in order] == sorted(starts.index(part) for part in order)


def test_the_table_has_the_interval_of_each_class(content):
    lines = str(Metrics.of_set(content, "test")).splitlines()
    row = next(line for line in lines if line.startswith("sensitivity"))
    entries = content["splits"]["test"]["per_class"].values()
    cells = [percent(entry["sensitivity"]) for entry in entries]
    assert row.removeprefix("sensitivity").split("  ")[1:] == cells


def test_what_was_asked_for_is_below_the_table(content):
    claims = [{"claim": "auc > 0.8", "holds": True, "received": "0.9"}]
    metrics = content | {"splits": {"test": content["splits"]["test"] | {"claims": claims}}}
    lines = str(Metrics.of_set(metrics, "test")).splitlines()
    assert "PASS auc > 0.8: 0.9" in lines
    assert any(line.startswith("at a prevalence of 10 % (NCP): PPV ") for line in lines)


def test_more_classes_than_fit_stand_below_each_other(content):
    result = content["splits"]["test"]
    entries = next(iter(result["per_class"].values()))
    names = ["Normal", "A-class-with-a-long-name", "C", "D", "E"]
    many = {"per_class": dict.fromkeys(names, entries), "classes": names}
    many |= {"images_per_class": dict.fromkeys(names, 9)}
    metrics = content | {"splits": {"test": result | many}}
    lines = str(Metrics.of_set(metrics, "test")).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("specificity") for line in lines) == 2
    assert any(line.split() == ["D", "E"] for line in lines)
    assert any("A-class-with-a-~" in line for line in lines)
