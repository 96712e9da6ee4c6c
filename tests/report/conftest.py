"""Run folders with the parts that pages and cards read."""

import shutil

import numpy as np
import pytest
from made_predictions import make
from made_runs import change

from covid_keras.figures.canvas import save
from covid_keras.figures.set_figures import confusion_matrix_figure
from covid_keras.metrics import operating_point
from covid_keras.metrics.set_scores import score_set
from covid_keras.runs.explained import TILE, Case, write_cases, write_embedding
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.files import write_json, write_text


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run folder with all its parts, one class name with a character that HTML reserves."""
    folder = tmp_path_factory.mktemp("report") / "run_1"
    random = np.random.default_rng(0)
    labels = random.integers(2, size=60)
    scores = random.dirichlet([1, 1], size=60) + np.eye(2)[labels]
    predictions = make(labels, scores / 2, np.arange(60) // 3, ("a<b", "COVID-19"))
    groups = predictions.table[["image"]].assign(sex=np.resize(["F", "M"], 60))[["sex"]]
    point = operating_point.fit(predictions)
    result = score_set(predictions, groups, point, resamples=50)
    recipe = {
        "name": "ct-bit",
        "title": "BiT on CT",
        "citation": "Zhao 2021",
        "data": {"dataset": "phantom-ct"},
        "input": {"crop": 128, "box": "annotated", "fit": "stretch"},
        "model": {"name": "bit_r50x1", "weights": "random"},
        "scaled": True,
        "changes": ["training.steps=20 (paper: 10000)"],
        "seed": 3,
    }
    write_json(folder / "recipe.json", recipe)
    write_json(folder / "environment.json", {"command": "covid-keras train ct-bit", "gpu": None})
    write_json(folder / "fingerprint.json", {"stamps": ["PHANTOM: synthetic"], "sha256": "ab12"})
    write_json(folder / "metrics.json", {"stamps": [], "splits": {"test": result}})
    predictions.table.assign(split="test").to_csv(folder / "split.csv", index=False)
    for name in ("val", "test"):
        shown = predictions.table, predictions.probabilities, predictions.classes
        write_predictions(folder / f"predictions_{name}.csv", *shown)
    write_text(
        folder / "log.csv",
        "step,learning_rate,loss,accuracy,val_loss,val_accuracy\n"
        "5,0.01,0.9,0.5,,\n10,0.001,0.7,0.6,0.8,0.55\n",
    )
    kept = Run(folder)
    points = predictions.table[["image", "label"]].assign(split="test", tile=np.arange(60))
    points["split"] = np.where(np.arange(60) < 20, "train", "test")
    points[["x", "y"]] = random.normal(size=(60, 2))
    quality = {"images": 60, "trustworthiness": 0.9}
    quality |= {"silhouette_features": 0.1, "silhouette_points": None}
    write_embedding(
        kept, points, quality, random.integers(255, size=(60, TILE, TILE), dtype="uint8")
    )
    cases = [
        Case(kind, "a<b", "COVID-19", 0.75, place, f"case_{place}.webp", True)
        for place, kind in enumerate(("wrong", "doubtful"), 1)
    ]
    write_cases(kept, cases, [np.full((32, 64, 3), 99, np.uint8)] * 2)
    for name in ("figures/confusion_matrix_test", "gradcam/step_1", "gradcam/step_2"):
        save(confusion_matrix_figure(result), folder / f"{name}.png")
    return folder


@pytest.fixture
def run(made, tmp_path):
    """A copy of that folder for one test."""
    return shutil.copytree(made, tmp_path / made.name)


@pytest.fixture
def filled(run):
    """The run folder with all that a training and an evaluation write into it."""
    change(
        run,
        "recipe.json",
        data={"dataset": "phantom-ct", "split": "kfold", "fold": 1, "folds": 5, "group": "patient"}
        | {"per_class": 0, "positive": "", "balance": False},
        training={"optimizer": "lamb", "batch": 16, "steps": 240, "eval_every": 60},
        augmentation={"flip": True, "rotation": 0.0},
    )
    packages = {"keras": "3.9.0"}
    change(run, "environment.json", covid_keras="1.0", commit="abc+changes", packages=packages)
    change(run, "fingerprint.json", classes=["a<b", "COVID-19"], image_level=False)
    kept = {"step": 180, "steps": 240, "criterion": "accuracy", "value": 0.75}
    change(run, "fingerprint.json", kept=kept, images={"train": {}, "val": {}, "test": {}})
    point = {"fitted_on": "val", "temperature": 0.75, "threshold": 0.31}
    change(run, "metrics.json", looks={"test": 4}, operating_point=point, command="evaluate it")
    write_text(run / "model.keras", "")
    return run
