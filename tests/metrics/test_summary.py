"""The console's summary: one screen, the verdict first."""

import pytest
from made_predictions import noisy

from covid_keras.metrics import operating_point
from covid_keras.metrics.results import Metrics
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
    assert len(lines) <= 24 and max(map(len, lines)) <= 100
    assert lines[0].startswith("!! PHANTOM: synthetic images, not patients · SCALED to run")
    starts = [line.partition(":")[0] for line in lines]
    order = ["What it is", "How good", "Compared with what", "Where it looks"]
    order += ["Not tested or unknown", "test"]
    assert [starts.index(part) for part in order] == sorted(starts.index(part) for part in order)


def test_the_table_has_the_interval_of_each_class(content):
    lines = str(Metrics.of_set(content, "test")).splitlines()
    row = next(line for line in lines if line.startswith("NCP"))
    entry = content["splits"]["test"]["per_class"]["NCP"]["sensitivity"]
    numbers = [f"{100 * entry[key]:.1f}" for key in ("value", "low", "high")]
    assert "{} [{}, {}]".format(*numbers) in row


def test_what_was_asked_for_is_below_the_table(content):
    claims = [{"claim": "auc > 0.8", "holds": True, "received": "0.9"}]
    metrics = content | {"splits": {"test": content["splits"]["test"] | {"claims": claims}}}
    lines = str(Metrics.of_set(metrics, "test")).splitlines()
    assert "PASS auc > 0.8: 0.9" in lines
    assert any(line.startswith("at a prevalence of 10 % (NCP): PPV ") for line in lines)
