"""The whole chain through the command line, as `make train-ct` runs it, on a tiny network."""

import json
import shutil

import pandas as pd
import pytest
import tiny

from covid_keras.cli import main
from covid_keras.training import fit

FILES = (
    "recipe.json",
    "environment.json",
    "fingerprint.json",
    "split.csv",
    "log.csv",
    "checkpoints/last.npz",
    "checkpoints/best.npz",
    "model.keras",
    "predictions_val.csv",
    "predictions_test.csv",
    "metrics.json",
    "test_log.csv",
    "report.html",
    "card.md",
    "figures/confusion_matrix_test.png",
    "figures/confusion_matrix_val.png",
    "figures/roc_test.png",
    "figures/reliability_test.png",
    "figures/learning_curves.png",
    "figures/tsne.png",
    "gradcam/test.png",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of class folders through every command."""
    folder = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "create_model", tiny.create_model)
        patch.chdir(folder)
        records = tiny.write_images(folder / "scans", count=80)
        records.to_csv(folder / "scans" / "labels.csv", index=False)
        settings = {**tiny.SETTINGS, "training.steps": 20, "training.gradcam": 1}
        assigned = [f"--set={key}={value}" for key, value in settings.items()]
        data = ["--dataset", "folder", "--data", "scans"]
        assert main(["train", "ct-bit", *data, "--out", "run", *assigned]) == 0
        for command in ("evaluate run", "explain run", "report run", "export run --out saved"):
            assert main(command.split()) == 0
    return folder


@pytest.fixture
def finished(trained, tmp_path, monkeypatch):
    """A copy of that run for one test, which stands in the folder around it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


def test_every_file_of_the_contract_is_there_and_says_what_it_is(finished, capsys):
    missing = [name for name in FILES if not (finished / name).stat().st_size]
    assert not missing
    assert (finished.parent / "saved" / "saved_model.pb").exists()
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["stamps"] == [
        "CHANGED: not the paper's settings",
        "NO EXTERNAL TEST",
        "NOT A MEDICAL DEVICE",
    ]
    page = (finished / "report.html").read_text()
    for words in (
        *metrics["stamps"][:2],
        "training.steps=20, not 10000",
        "External test: not done",
    ):
        assert words.lower() in page.lower().replace("&#x27;", "'")
    assert metrics["operating_point"]["fitted_on"] == "val" and metrics["looks"] == {"test": 1}
    assert "temperature" in page
    split = pd.read_csv(finished / "split.csv")
    predictions = pd.read_csv(finished / "predictions_test.csv")
    assert predictions["image"].tolist() == split.loc[split["split"] == "test", "image"].tolist()
    assert predictions.columns.tolist()[5:] == ["bright", "dark"]
    assert main(["evaluate", "run", "--dataset", "folder", "--data", "scans/labels.csv"]) == 0
    external = json.loads((finished / "metrics.json").read_text())
    assert "NO EXTERNAL TEST" not in external["stamps"]
    assert set(external["splits"]) == {"val", "test", "folder"}
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0 and main(["report", "run"]) == 0
    assert "test was measured 2 times by now" in capsys.readouterr().out
    assert "The test split was measured 2 times" in (finished / "report.html").read_text()
    looks = pd.read_csv(finished / "test_log.csv")
    assert looks["set"].tolist() == ["test", "folder", "test"]
    assert looks["images"].tolist() == [len(predictions), len(split), len(predictions)]


def test_another_set_is_measured_under_our_names(finished, capsys):
    table = pd.read_csv(finished.parent / "scans" / "labels.csv")
    table["label"] = table["label"].map({"bright": "ill", "dark": "well"})
    table.to_csv(finished.parent / "scans" / "other.csv", index=False)
    external = ["evaluate", "run", "--dataset", "folder", "--data", "scans/other.csv"]
    capsys.readouterr()
    assert main(external) == 1
    assert ": the network knows bright, dark; give --map" in capsys.readouterr().err
    assert main([*external, "--map", "ill=bright", "well=dark"]) == 0
    assert "label ill counts as bright: 40 images" in capsys.readouterr().out
    scores = json.loads((finished / "metrics.json").read_text())["splits"]["folder"]["metrics"]
    assert scores["macro_auc"]["value"] > 0.9


def test_ablations_are_measured_and_reported(finished, capsys):
    """The tiny classes differ in brightness everywhere, so any part of the image tells them."""
    capsys.readouterr()
    assert main(["evaluate", "run", "--ablations"]) == 0
    said = capsys.readouterr().out
    assert "centre blacked out: accuracy" in said and "border only: accuracy" in said
    metrics = json.loads((finished / "metrics.json").read_text())
    whole = metrics["splits"]["test"]["metrics"]["macro_auc"]["value"]
    for name, scores in metrics["ablations"].items():
        left = pd.read_csv(finished / "ablations" / f"{name.replace(' ', '_')}.csv")
        assert len(left) == metrics["splits"]["test"]["images"]
        assert scores["macro_auc"]["value"] - whole == pytest.approx(scores["macro_auc"]["change"])
    assert main(["report", "run"]) == 0
    assert "centre blacked out: accuracy" in (finished / "report.html").read_text()
    assert main(["evaluate", "run", "--ablations", "--split", "val"]) == 1
