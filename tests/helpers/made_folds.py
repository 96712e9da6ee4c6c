"""Folders of folds or seeds whose runs have predictions and metrics, made without training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_predictions import two_networks

from covid_keras import recipes
from covid_keras.metrics import operating_point
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.set_scores import score_set
from covid_keras.recipes import config
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run
from covid_keras.utils.files import write_json

STAMPS = ["PHANTOM: synthetic images, not patients", "NO EXTERNAL TEST", "NOT A MEDICAL DEVICE"]


def answers() -> Predictions:
    """Return predictions of 60 patients with four images each, from two hospitals."""
    return _of_hospitals(two_networks(better=1.0)[0])


def _of_hospitals(predictions: Predictions) -> Predictions:
    hospital = np.where(predictions.clusters % 3 == 0, "north", "south")
    return replace(predictions, table=predictions.table.assign(source=hospital))


def make_folds(folder: Path, folds: int = 3, of: int = 3) -> Run:
    """Make the first `folds` folds of `of`, each of which tests its own patients."""
    whole = answers()
    for fold in range(folds):
        rows = (whole.clusters // 2) % of == fold
        _make_run(folder / f"fold_{fold}", whole.take(rows), whole.take(~rows), fold, of)
    return Run(folder)


def make_seeds(folder: Path, seeds: int = 2) -> Run:
    """Make runs of several seeds, which test the same images."""
    for seed, network in enumerate(two_networks(better=1.0)[:seeds]):
        predictions = _of_hospitals(network)
        _make_run(folder / f"seed_{seed}", predictions, predictions, 0, 5)
    return Run(folder)


def _make_run(path: Path, test: Predictions, val: Predictions, fold: int, of: int) -> None:
    run, recipe = Run(path), recipes.get("ct-networks")
    recipe = replace(recipe, data=replace(recipe.data, fold=fold, folds=of))
    write_json(run.recipe_file, config.to_json(recipe))
    known = {"covid_keras": "0.2.0", "data": str(path)}
    write_json(run.environment_file, known | {"command": f"covid-keras train --folds {fold}"})
    counts = {"images": {"train": {"No": 100 + fold}}, "patients": {"train": 40}}
    write_json(run.fingerprint_file, {"classes": [*test.classes], "stamps": STAMPS[:1]} | counts)
    table = test.table.assign(split="test", **dict.fromkeys(("x0", "y0", "x1", "y1"), ""))
    table.to_csv(run.split_file, index=False)
    for name, part in (("test", test), ("val", val)):
        write_predictions(run.predictions_file(name), part.table, part.probabilities, part.classes)
    point = operating_point.fit(val)
    result = score_set(test, test.table[["source"]], point, resamples=20)
    content = {"stamps": STAMPS, "looks": {"test": 1}, "splits": {"test": result}}
    write_json(run.metrics_file, content)
    unread = test.probabilities[::-1]
    folder = run.metadata_baseline
    write_predictions(folder.predictions_file("test"), test.table, unread, test.classes)
    write_json(folder.fingerprint_file, {"columns": ["width", "height"]})
