"""The whole chain through the command line, as `make train-ct` runs it, on a tiny network."""

import html
import json
import re
import shlex
import shutil
from pathlib import Path

import made_images
import numpy as np
import pandas as pd
import pytest
import tiny
from made_images import write_images
from metrics_schema import VALIDATOR

import covid_keras
from covid_keras.cli.main import main
from covid_keras.cli.parts import export_folder
from covid_keras.evaluation import sets
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError

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
    "figures/confusion_matrix_test.svg",
    "figures/confusion_matrix_val.png",
    "figures/roc_test.png",
    "figures/reliability_test.png",
    "figures/risk_coverage_test.png",
    "uncertainty_val.csv",
    "uncertainty_test.csv",
    "metadata_baseline/predictions_test.csv",
    "figures/learning_curves.png",
    "figures/learning_curves.svg",
    "figures/tsne.png",
    "gradcam/test.png",
)
SETTINGS = {**tiny.SETTINGS, "training.steps": 20, "training.gradcam": 1}
TRAIN = ["train", "ct-bit", "--dataset", "folder", "--data", "scans", "--out", "run"]
TRAIN += [f"--set={key}={value}" for key, value in SETTINGS.items()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of class folders through every command."""
    folder = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        made_images.dark_and_bright(folder / "scans", count=80, wide=True)
        assert main(TRAIN) == 0
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
        "CHANGED from the recipe: data.dataset, data.positive, input.resize, input.crop, input.box,"
        " model.name, model.weights, model.head, training.batch, training.steps,"
        " training.learning_rate, training.eval_every, training.keep",
        "NO EXTERNAL TEST",
        "NOT A MEDICAL DEVICE",
    ]
    page = (finished / "report.html").read_text()
    for words in (
        *metrics["stamps"][:2],
        "training.steps=20 (recipe: 10000)",
        "Not tested on another data set",
    ):
        assert words.lower() in page.lower().replace("&#39;", "'")
    assert metrics["operating_point"]["fitted_on"] == "val" and metrics["looks"] == {"test": 1}
    assert "temperature" in page
    split = pd.read_csv(finished / "split.csv")
    predictions = pd.read_csv(finished / "predictions_test.csv")
    assert predictions["image"].tolist() == split.loc[split["split"] == "test", "image"].tolist()
    assert predictions.columns.tolist()[5:] == ["bright", "dark"]
    made_images.other_images(finished.parent / "scans", finished.parent / "clinic")
    assert main(["evaluate", "run", "--dataset", "folder", "--data", "clinic/labels.csv"]) == 0
    external = json.loads((finished / "metrics.json").read_text())
    assert "NO EXTERNAL TEST" not in external["stamps"]
    assert set(external["splits"]) == {"val", "test", "clinic"}
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0 and main(["report", "run"]) == 0
    assert "run: evaluation number 2 of this run on test" in capsys.readouterr().out
    assert "The images of test were measured 2 times" in (finished / "report.html").read_text()
    looks = pd.read_csv(finished / "test_log.csv")
    assert looks["set"].tolist() == ["test", "clinic", "test"]
    assert looks["images"].tolist() == [len(predictions), len(split), len(predictions)]


def test_augmented_samples_are_averaged(finished, capsys):
    capsys.readouterr()
    assert main(["evaluate", "run", "--augmented", "4"]) == 0
    assert "test-time augmentation (mean of 4 samples): accuracy" in capsys.readouterr().out
    first = pd.read_csv(finished / "test_time_augmentation" / "predictions_test.csv")
    plain = pd.read_csv(finished / "predictions_test.csv")
    assert first["image"].tolist() == plain["image"].tolist()
    assert 0 < (first["bright"] - plain["bright"]).abs().max() < 0.2
    doubt = pd.read_csv(finished / "test_time_augmentation" / "uncertainty_test.csv")
    assert (doubt["disagreement"] > 0).mean() > 0.5 and doubt["confidence"].is_monotonic_increasing
    metrics = json.loads((finished / "metrics.json").read_text())
    right = first["label"] == first[["bright", "dark"]].idxmax(axis=1)
    assert metrics["test_time_augmentation"]["test"]["accuracy"]["value"] == pytest.approx(
        right.mean()
    )
    assert main(["compare", "run", "run/test_time_augmentation"]) == 0
    assert main(["evaluate", "run", "--augmented", "4"]) == 0
    again = pd.read_csv(finished / "test_time_augmentation" / "predictions_test.csv")
    pd.testing.assert_frame_equal(first, again)
    assert main(["evaluate", "run", "--augmented", "1"]) == 1


def test_runs_are_averaged_where_none_has_trained_on_the_images(finished, capsys):
    folder = finished.parent
    shutil.copytree(finished, folder / "second")
    predictions = pd.read_csv(folder / "second" / "predictions_test.csv")
    predictions[["bright", "dark"]] = 0.5
    predictions.to_csv(folder / "second" / "predictions_test.csv", index=False)
    (folder / "second" / "predictions_val.csv").unlink()
    capsys.readouterr()
    assert main(["ensemble", "run", "second", "--out", "both"]) == 0
    said = capsys.readouterr().out
    assert "val is left out: second has not predicted it" in said
    assert "second: accuracy 50.0, ensemble minus run +" in said
    mean = pd.read_csv(folder / "both" / "predictions_test.csv")
    first = pd.read_csv(finished / "predictions_test.csv")
    assert mean["bright"].to_numpy() == pytest.approx((first["bright"] + 0.5).to_numpy() / 2)
    metrics = json.loads((folder / "both" / "metrics.json").read_text())
    assert metrics["stamps"][0].startswith("CHANGED from the recipe: data.dataset, ")
    assert set(metrics["splits"]) == {"test"} and metrics["operating_point"] is None
    assert (folder / "both" / "figures" / "risk_coverage_test.png").exists()
    assert main(["compare", "run", "both"]) == 0 and main(["report", "both"]) == 0
    page, card = ((folder / "both" / name).read_text() for name in ("report.html", "card.md"))
    assert "The mean of 2 runs (tiny), trained on" in page and "one seed" not in page
    assert "This is the mean of 2 runs" in card and "ne run is one seed" not in card
    assert "Missing parts" not in page
    split = pd.read_csv(folder / "second" / "split.csv")
    moved = split["split"].map({"train": "test", "val": "train", "test": "train"})
    split.assign(split=moved).to_csv(folder / "second" / "split.csv", index=False)
    for words, said in (
        ("run second --out third", "test: not the same images in all runs"),
        ("run --out third", "expected two or more different runs"),
        ("run run --out third", "expected two or more different runs"),
        ("run second --out both", "both: run folder exists: give another --out"),
    ):
        assert main(["ensemble", *words.split()]) == 1
        assert said in capsys.readouterr().err
    assert not (folder / "third").exists()
    for words, said in (
        ("run both --out third", "both: not a run folder: no recipe.json"),
        ("run second --out scans/labels.csv", "labels.csv: run folder exists"),
    ):
        assert main(["ensemble", *words.split()]) == 1
        assert said in capsys.readouterr().err


def test_a_set_that_a_member_has_trained_on_is_left_out(finished, capsys):
    folder = finished.parent
    shutil.copytree(finished, folder / "second")
    recipe = json.loads((folder / "second" / "recipe.json").read_text())
    recipe["data"]["dataset"] = "covid19-ct"
    (folder / "second" / "recipe.json").write_text(json.dumps(recipe))
    for run in ("run", "second"):
        file = folder / run / "predictions_test.csv"
        shutil.copy(file, folder / run / "predictions_covid19-ct.csv")
        table = pd.read_csv(file)
        table["image"] = run + table["image"]
        table.to_csv(folder / run / "predictions_folder.csv", index=False)
    capsys.readouterr()
    assert main(["ensemble", "run", "second", "--out", "both"]) == 0
    said = capsys.readouterr().out
    assert "covid19-ct is left out: second was trained on this data set" in said
    assert "folder is left out: compare: expected predictions of the same images" in said
    metrics = json.loads((folder / "both" / "metrics.json").read_text())
    assert set(metrics["splits"]) == {"test", "val"} and metrics["looks"] == {"test": 1}
    assert "NO EXTERNAL TEST" in metrics["stamps"]


def test_another_set_is_measured_under_our_names(finished, capsys):
    clinic = made_images.other_images(finished.parent / "scans", finished.parent / "clinic")
    table = pd.read_csv(clinic / "labels.csv")
    table["label"] = table["label"].map({"bright": "ill", "dark": "well"})
    table.to_csv(clinic / "labels.csv", index=False)
    external = ["evaluate", "run", "--dataset", "folder", "--data", "clinic"]
    capsys.readouterr()
    assert main(external) == 1
    assert ": the network knows bright, dark; give --map" in capsys.readouterr().err
    assert main([*external, "--map", "ill=bright", "well=dark"]) == 0
    assert "label ill counts as bright: 40 images" in capsys.readouterr().out
    scores = json.loads((finished / "metrics.json").read_text())["splits"]["clinic"]["metrics"]
    assert scores["macro_auc"]["value"] > 0.9
    own = json.loads((finished / "environment.json").read_text())["data"]
    assert main(["evaluate", "run", "--dataset", "folder", "--data", own]) == 1
    assert "the run's own data set, with 60 images" in capsys.readouterr().err


def test_a_copy_of_the_runs_own_data_set_is_no_external_test(finished):
    recipe = json.loads((finished / "recipe.json").read_text())
    recipe["data"]["dataset"] = "covid19-ct"
    (finished / "recipe.json").write_text(json.dumps(recipe))
    run, records = Run(finished), Run(finished).split()
    with pytest.raises(InputError, match="expected another data set"):
        sets.check_other_images(run, "covid19-ct", records, finished.parent)
    sets.check_other_images(run, "sars-cov-2-ct", records, finished.parent)
    sets.check_other_images(run, "covid19-ct", records.query("split == 'test'"), finished.parent)


def test_copies_of_the_runs_images_are_no_external_test(finished, capsys):
    """Other names and class folders do not hide them; the stamp stays."""
    clinic, split = finished.parent / "clinic", Run(finished).split()
    write_images(clinic, {f"{label}/new.png": np.eye(24) for label in ("bright", "dark")})
    for name, chosen in (("train", 3), ("val", 1), ("test", 2)):
        for row in split[split["split"] == name][:chosen].itertuples():
            shutil.copy(finished.parent / "scans" / row.image, clinic / row.label / f"x{row.image}")
    assert main(["evaluate", "run", "--dataset", "folder", "--data", "clinic"]) == 1
    received = (
        "Received: 6 of 8 are copies of the run's (3 of train, 1 of val, 2 of test), the first"
    )
    assert received in capsys.readouterr().err
    assert main(["evaluate", "run"]) == 0
    assert "NO EXTERNAL TEST" in json.loads((finished / "metrics.json").read_text())["stamps"]


def test_an_external_set_may_have_one_class_only(finished, capsys):
    """Its sensitivity has an interval; what one class cannot show is undefined."""
    rng = np.random.default_rng(0)
    images = {f"clinic/bright/{n}.png": rng.integers(90, 255, (24, 24)) for n in range(9)}
    write_images(finished.parent, images)
    assert main(["evaluate", "run", "--dataset", "folder", "--data", "clinic"]) == 0
    measured = json.loads((finished / "metrics.json").read_text())["splits"]["clinic"]
    bright = measured["per_class"]["bright"]
    assert bright["sensitivity"]["low"] <= bright["sensitivity"]["value"] <= 1
    assert {bright[name]["value"] for name in ("specificity", "ppv", "npv", "auc")} == {None}
    assert "Undefined, as images or predictions of a class are missing" in capsys.readouterr().out


def test_a_plan_is_judged_by_evaluate(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    for name, claim, status, verdict in (
        ("held", "accuracy >= 0", 0, "PASS"),
        ("failed", "accuracy > 1", 1, "FAIL"),
        ("edited", "accuracy > 1", 1, "TAMPERED"),
    ):
        run = tmp_path / name
        shutil.copytree(trained / "run", run)
        (run / "test_log.csv").unlink()  # as before the first look
        assert main(["plan", str(run), "--claim", claim]) == 0
        if verdict == "TAMPERED":
            plan = run / "plan.json"
            plan.write_text(plan.read_text().replace("accuracy > 1", "accuracy > 0"))
        assert main(["evaluate", str(run)]) == status
        said = capsys.readouterr().out
        assert re.search(rf"^plan of \S+: {verdict}", said, flags=re.M), said
        content = json.loads((run / "metrics.json").read_text())
        VALIDATOR.validate(content)
        assert content["plan"]["verdict"] == verdict


def test_a_replaced_image_is_said(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained / "scans", "scans")
    shutil.copytree(trained / "run", "run")
    environment = json.loads(Path("run/environment.json").read_text())
    Path("run/environment.json").write_text(
        json.dumps(environment | {"data": str(tmp_path / "scans")})
    )
    assert main(["evaluate", "run"]) == 0
    assert "replaced" not in "".join(capsys.readouterr())
    split = Run(Path("run")).split()
    image = split.query("split == 'test'")["image"].iloc[0]
    write_images(Path("scans"), {image: np.eye(24) * 255})
    assert main(["evaluate", "run"]) == 0
    said = f"run: 1 of {len(split)} images were replaced since the run was set up (1 of test), the"
    assert said in "".join(capsys.readouterr())


@pytest.mark.slow
def test_run_says_at_the_end_what_explain_adds(finished, monkeypatch, capsys):
    def explain(run):
        metrics = json.loads(run.metrics_file.read_text())
        score = dict.fromkeys(("value", "low", "high", "lead", "lead_low", "lead_high"), 0.2)
        score |= {"method": "1 patient"}
        entry = {"average_precision": score, "sentence": "the map beats the centre prior"}
        metrics["maps"] = {"test": {"gradcam": entry}}
        run.metrics_file.write_text(json.dumps(metrics))
        return []

    monkeypatch.setattr(covid_keras, "explain", explain)
    assert main(["run", *TRAIN[1:], "--out", "again", "--export", "again_saved"]) == 0
    said = capsys.readouterr().out
    assert said.count("What it is:") == 1 and "the map beats the centre prior" in said


@pytest.mark.slow
def test_two_sets_of_ones_own_are_kept_apart(finished, capsys):
    """By the name of their folder, or by one that is given; a name never changes its images."""
    table = pd.read_csv(finished.parent / "scans" / "labels.csv")
    for place, rows in (("a/clinic", table[:40]), ("b/clinic", table[40:])):
        made_images.other_images(finished.parent / "scans", finished.parent / place)
        rows.to_csv(finished.parent / place / "labels.csv", index=False)
    external = ["evaluate", "run", "--dataset", "folder", "--data"]
    assert main([*external, "a/clinic"]) == 0
    first = (finished / "predictions_clinic.csv").read_bytes()
    assert main([*external, "b/clinic"]) == 1
    assert "clinic holds other images already; give this one another name (--name)" in (
        capsys.readouterr().err
    )
    assert (finished / "predictions_clinic.csv").read_bytes() == first
    assert main([*external, "b/clinic", "--name", "b"]) == 0
    assert main([*external, "a/clinic"]) == 0
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics["splits"]) == {"val", "test", "clinic", "b"}
    for name in ("test", "../out", ".b"):
        assert main([*external, "b/clinic", "--name", name]) == 1


@pytest.mark.slow
def test_augmentation_of_other_labels_is_not_kept(finished):
    made_images.other_images(finished.parent / "scans", finished.parent / "clinic")
    external = ["evaluate", "run", "--dataset", "folder", "--data", "clinic"]
    assert main(["evaluate", "run", "--augmented", "2"]) == 0
    assert main([*external, "--augmented", "3"]) == 0
    said = json.loads((finished / "metrics.json").read_text())["test_time_augmentation"]
    assert (said["test"]["samples"], said["clinic"]["samples"]) == (2, 3)
    assert main(external) == 0
    said = json.loads((finished / "metrics.json").read_text())["test_time_augmentation"]
    assert set(said) == {"test"}


def test_the_console_and_the_log_agree(trained, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained / "scans", tmp_path / "scans")
    assert main([*TRAIN, "--set=training.eval_every=10"]) == 0
    printed = capfd.readouterr()
    log = pd.read_csv(tmp_path / "run" / "log.csv")
    last, order = log.iloc[-1], {"by": ["val_accuracy", "val_loss"], "ascending": [False, True]}
    best = log.dropna(subset="val_accuracy").sort_values(**order).iloc[0]
    lines = [line for line in printed.err.splitlines() if line.startswith("train ")]
    assert (
        f"loss {last['loss']:.3f} accuracy {last['accuracy']:.3f}"
        f" val accuracy {last['val_accuracy']:.3f}" in lines[-1]
    )
    kept = f"the weights of step {best['step']:.0f} of 20, with the highest accuracy on val"
    assert kept in printed.out
    assert "!! NOT A MEDICAL DEVICE" in printed.out


def test_commands_on_the_page_can_be_pasted(finished, capsys):
    run = finished.rename(finished.parent / "my run's $1")
    (run / "metrics.json").unlink()
    assert main(["report", str(run)]) == 0
    page = html.unescape((run / "report.html").read_text())
    commands = re.findall(r"covid-keras (?:evaluate|explain|report) [^<\n]+", page)
    assert len(commands) >= 4
    for command in commands:
        assert shlex.split(command)[2] == str(run.relative_to(finished.parent))
    card = (run / "card.md").read_text()
    command = re.search(r"run (covid-keras evaluate .*)", card)[1]
    assert shlex.split(command)[2] == str(run.relative_to(finished.parent))
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("next: "))
    assert shlex.split(line)[3] == str(run)


def test_exports_of_several_runs_have_names_that_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export_folder(Path("runs/a")) == Path("saved_models/a")
    folds = {
        export_folder(Path("runs", run, fold)) for run in "ab" for fold in ("fold_0", "fold_1")
    }
    assert len(folds) == 4 and Path("saved_models/a_fold_0") in folds
    assert export_folder(Path("runs/a/seed_1/fold_0")) == Path("saved_models/a_seed_1_fold_0")
    Path("saved_models/a").mkdir(parents=True)
    assert export_folder(Path("elsewhere/a")) == Path("saved_models/a_2")


def test_ablations_are_measured_and_reported(finished, capsys):
    """The tiny classes differ in brightness everywhere, so any part of the image tells them."""
    capsys.readouterr()
    assert main(["evaluate", "run", "--ablations", "--require", "accuracy > 0.5", "no-leaks"]) == 0
    said = capsys.readouterr().out
    assert "PASS accuracy > 0.5: " in said and "PASS no-leaks" in said
    assert "With the centre blacked out its AUC is " in said
    metrics = json.loads((finished / "metrics.json").read_text())
    VALIDATOR.validate(metrics)
    whole = metrics["splits"]["test"]["metrics"]["macro_auc"]["value"]
    for name, scores in metrics["ablations"].items():
        left = pd.read_csv(finished / "ablations" / f"{name.replace(' ', '_')}.csv")
        assert len(left) == metrics["splits"]["test"]["images"]
        assert scores["macro_auc"]["value"] - whole == pytest.approx(scores["macro_auc"]["change"])
    assert main(["report", "run"]) == 0
    assert "centre blacked out, 20 images: accuracy" in (finished / "report.html").read_text()
    assert main(["evaluate", "run", "--ablations", "--split", "val"]) == 1
    assert main(["evaluate", "run", "--require", "external.auc > 0.5"]) == 1
    assert "FAIL external.auc > 0.5: the set external was not measured" in capsys.readouterr().out


@pytest.mark.slow
def test_images_without_their_lungs(finished, capsys):
    """Masks of half of the test images; what is outside of the mask is black in the slice."""
    tests = pd.read_csv(finished / "predictions_test.csv")["image"]
    folder = finished.parent / "masks"
    lungs = np.zeros((24, 28), np.uint8)
    lungs[:, :14] = 1  # as label masks have it
    write_images(folder, dict.fromkeys(tests[::2], lungs))
    assert main(["evaluate", "run", "--ablations", "--masks", "masks"]) == 0
    found = json.loads((finished / "metrics.json").read_text())["ablations"]
    assert found["lungs blacked out"]["images"] == 10
    assert found["lungs only"]["images"] == len(tests[::2]) < found["border only"]["images"]
    for words, said in (
        ("evaluate run --masks masks", "masks: only with ablations"),
        ("evaluate run --ablations --masks none", "none: expected a folder with masks"),
        ("evaluate run --ablations --masks saved", "expected masks named like the images"),
    ):
        assert main(words.split()) == 1
        assert said in capsys.readouterr().err
    write_images(folder, {tests[0]: lungs * 0})
    assert main(["evaluate", "run", "--ablations", "--masks", "masks"]) == 1
    assert f"{tests[0]}: expected a mask, black outside of the lungs" in capsys.readouterr().err
    write_images(folder, {tests[0]: lungs[:12]})
    assert main(["evaluate", "run", "--ablations", "--masks", "masks"]) == 1
    assert f"{tests[0]}: expected a mask of the image's proportions" in capsys.readouterr().err


def test_scores_are_there_without_the_train_images(finished, capsys):
    """Where the data moved, or was pruned, the metadata baseline is left out, with a warning."""
    shutil.rmtree(finished / "metadata_baseline")
    known = json.loads((finished / "environment.json").read_text())
    known["data"] = str(finished.parent / "scans")
    (finished / "environment.json").write_text(json.dumps(known))
    split = pd.read_csv(finished / "split.csv")
    for image in split.loc[split["split"] == "train", "image"]:
        (finished.parent / "scans" / image).unlink()
    assert main(["evaluate", "run"]) == 0
    assert "the metadata baseline is left out" in capsys.readouterr().err
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["metadata_baseline"] is None and metrics["looks"] == {"test": 2}
