"""`Metrics`: a mapping of one set's results, its text and its LaTeX table."""

import json

import numpy as np
import pytest
from made_predictions import make

from covid_keras.metrics.results import Metrics
from covid_keras.metrics.scores import score


@pytest.fixture(scope="module")
def content() -> dict:
    """The content of a metrics.json with a test and a val set."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=60)
    p = rng.dirichlet([1, 1], size=60)
    result = score(make(labels, p, np.arange(60) // 3, ("no_1", "50 % & ~")))
    scores = {name: result["metrics"][name] for name in ("accuracy", "macro_auc")}
    lead = {"lead": 0.2, "lead_low": 0.1, "lead_high": 0.3}
    baseline = {"columns": ["format", "mode"]} | {k: v | lead for k, v in scores.items()}
    return {
        "stamps": ["NOT A MEDICAL DEVICE"],
        "splits": {"test": result, "val": result},
        "metadata_baseline": baseline,
        "ablations": {},
    }


def test_it_is_a_mapping_of_plain_values(content):
    found = Metrics.of_set(content, "test")
    assert found["accuracy"] == content["splits"]["test"]["metrics"]["accuracy"]
    assert set(found) > {"set", "stamps", "images", "per_class", "metadata_baseline"}
    assert "ablations" not in found and "metadata_baseline" not in Metrics.of_set(content, "val")
    assert json.loads(json.dumps(found.to_dict())) == dict(found)
    found.to_dict()["accuracy"]["value"] = None
    assert found["accuracy"]["value"] is not None, "a copy"
    with pytest.raises(KeyError):
        Metrics.of_set(content, "folder")


def test_its_text_is_what_the_console_shows(content):
    text = str(Metrics.of_set(content, "test"))
    assert text.startswith("!! NOT A MEDICAL DEVICE\n")
    assert "test: 60 images, 20 patients; in percent [95 % interval]" in text
    said = " ".join(text.split())
    better = "Better than the metadata baseline, which reads only format and mode: AUC +20.0 points"
    assert f"{better} [+10.0, +30.0]." in said
    assert repr(Metrics.of_set(content, "val")).startswith("<Metrics of val, 60 images: accuracy")


def test_the_latex_table_has_a_row_for_each_class_and_escapes_its_name(content):
    table = Metrics.of_set(content, "test").to_latex()
    lines = table.splitlines()
    rows = [line for line in lines if line.endswith(r" \\") and line.count(" & ") == 7]
    assert [row.split(" & ")[0] for row in rows] == [
        "class",
        r"no\_1",
        r"50 \% \& \textasciitilde{}",
    ]
    recall = content["splits"]["test"]["per_class"]["no_1"]["sensitivity"]
    assert f"{100 * recall['value']:.1f} [{100 * recall['low']:.1f}" in rows[1]
    assert "accuracy" in next(line for line in lines if line.startswith(r"\multicolumn{8}{l}"))
    assert lines[1].startswith(r"\begin{tabular}{lrllllll}") and lines[-1] == r"\end{tabular}"
