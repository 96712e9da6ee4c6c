"""A run on images that show their source alone: probes and the matched test each catch it."""

import json

import pytest
import tiny
from made_images import CLASSES
from metrics_schema import VALIDATOR
from planted import write_source_shortcut

import covid_keras
from covid_keras.cli.main import main
from covid_keras.datasets.label_files import COLUMNS
from covid_keras.evaluation.run_metrics import measure_run
from covid_keras.runs import run as run_folder
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.utils.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A network that learnt the source, as there is nothing else to learn."""
    folder = tmp_path_factory.mktemp("shortcut")
    records = write_source_shortcut(folder / "images")[list(COLUMNS)]
    recipe = tiny.recipe(training_steps=30, training_batch=16)
    run = run_folder.create(folder / "run", recipe, records, CLASSES, folder / "images")
    fit.train(run)
    return run


def said(metrics) -> dict[str, str]:
    return {sentence["text"]: sentence["tone"] for sentence in metrics["verdict"]}


def sentence(metrics, start: str) -> tuple[str, str]:
    return next((text, tone) for text, tone in said(metrics).items() if text.startswith(start))


def test_each_catches_the_planted_source(run):
    metrics = covid_keras.evaluate(
        run, probes=True, negative_control="coin", match=["source", "age"]
    )
    VALIDATOR.validate(json.loads(run.metrics_file.read_text()))
    found = metrics["probes"]["attributes"]
    assert found["source"]["auc"]["low"] > 0.9 and found["source"]["from_class"]["low"] > 0.5
    assert found["source"]["values"] == {"hospital0": 90, "hospital1": 90}
    assert found["source"]["from_metadata"]["value"] > 0.9, "the column bed restates it"
    text, tone = sentence(metrics, "Its features tell source (AUC 1")
    assert text.endswith("goes with the class: a possible shortcut.") and tone == "against"
    text, tone = sentence(metrics, "The negative control coin probes at chance, as it must")
    assert "coin (" not in sentence(metrics, "Its features")[0] and tone == "plain"
    (matched,) = metrics["matched"]["classes"].values()
    assert matched["all"]["low"] > 0.65, "it scores well by the source"
    assert matched["auc"]["low"] < 0.5 < matched["auc"]["high"], "and not without it"
    before, after = (matched["differences"]["source"][key] for key in ("before", "after"))
    assert before > 1 and after == 0 and matched["differences"]["age"]["after"] < 0.1
    text, tone = sentence(metrics, "On test images that match in source and age the AUC is")
    assert text.endswith("not shown to be above chance.") and tone == "against"
    assert f"for bright ({matched['pairs']} pairs; on all images" in text


def test_a_control_that_can_be_read_and_a_vacuous_match_are_reported(run):
    metrics = covid_keras.evaluate(run, probes=True, negative_control="bed", match=["visit"])
    control, tone = sentence(metrics, "The negative control bed probes above chance (AUC 1")
    assert "the probes or the split are at fault" in control and tone == "against"
    (matched,) = metrics["matched"]["classes"].values()
    assert matched["auc"] is None and matched["refused"] == "0 pairs found, fewer than 20"
    refused, tone = sentence(metrics, "No score of ")
    assert "matched in visit: 0 pairs found, fewer than 20." in refused and tone == "open"
    covid_keras.report(run)
    page, card = run.report_file.read_text().replace("\xa0", " "), run.card_file.read_text()
    assert "bed, the negative control (" in page and f"not scored: {matched['refused']}" in page
    assert all(text in page and f"- {text}" in card for text in (control, refused))
    (run.shortcuts / "matched.json").write_text('{"columns": "visit", "classes": {}}')
    with pytest.raises(InputError, match=r"matched.json, columns: expected a list"):
        measure_run(run)


def test_a_column_that_is_not_known_is_refused_before_anything_is_predicted(run, capsys):
    with pytest.raises(
        InputError,
        match=r"^wing: no such column of the images; did you mean coin\? known: source, age",
    ):
        covid_keras.evaluate(run, match=["age", "wing"])
    assert main(["evaluate", str(run.path), "--negative-control", "coin"]) == 1
    assert "negative_control: only with probes" in capsys.readouterr().err
    assert main(["evaluate", str(run.path), "--split", "val", "--probes"]) == 1
    assert "probes: expected the run's own test split" in capsys.readouterr().err
