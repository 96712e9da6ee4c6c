"""Count what a study costs before any run: floating point operations, and hours on a GPU."""

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import keras
import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.label_files import COLUMNS, Row
from covid_keras.datasets.records import classes_of, load_records, make_table, one_vs_rest
from covid_keras.models.create import create_model
from covid_keras.models.flops import TRAINING, flops
from covid_keras.recipes import config
from covid_keras.studies.execute import finished
from covid_keras.studies.study import Source, Study, recipe_of
from covid_keras.training.setup import split_records
from covid_keras.utils.errors import InputError

SUSTAINED = 20e12
"""Assumed operations per second of a GPU, not measured; small networks reach less."""


def costs(study: Study, out: Path, source: Source) -> pd.DataFrame:
    """Return the cost of each row, without reading an image or initialising a network.

    The columns are runs, finished (runs), images (training images of one run), steps (of one run),
    PFLOP and GPU hours (of all runs). Without data, the published number of images counts.

    Raises:
        InputError: the data set's number of images is not published, or its folder is missing.
    """
    lines = {}
    for row, trials in study.rows.items():
        recipe = recipe_of(study, trials[0], source)
        images, classes = _images(recipe.data, source.data)
        recipe = config.settled(recipe, images["train"])
        training = recipe.training
        evaluations = math.ceil(training.steps / training.eval_every) + 1
        passes = TRAINING * training.steps * training.batch  # of one image, forwards
        passes += evaluations * images.get("val", 0) + images["test"]
        forward = _forward(recipe.model, recipe.input.crop, classes)
        operations = len(trials) * forward * passes
        lines[row] = {
            "runs": len(trials),
            "finished": sum(finished(out / trial.folder) for trial in trials),
            "images": images["train"],
            "steps": training.steps,
            "PFLOP": operations / 1e15,
            "GPU hours": operations / SUSTAINED / 3600,
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def listing(costs: pd.DataFrame, images: str) -> str:
    """Return the costs as text; `images` says which images were counted."""
    total = costs[["runs", "finished", "GPU hours"]].sum().rename("all")
    lines = pd.concat([costs.astype(object), total.to_frame().T])
    digits = {"PFLOP": 1, "GPU hours": 2}
    formats = {name: f"{{:,.{digits.get(name, 0)}f}}".format for name in costs}
    return (
        f"{lines.to_string(formatters=formats, na_rep='')}\n"
        f"images, steps: training images and steps of one run, counted on {images}\n"
        f"GPU hours: if the GPU sustains {SUSTAINED / 1e12:.0f} TFLOP/s"
    )


@lru_cache
def _images(data: config.Data, folder: Path | None) -> tuple[Mapping[str, int], int]:
    """Return the number of images of each split, and the number of classes."""
    records, classes = _records(data.dataset, folder, data.outside)
    if data.versus_rest:
        records, classes = one_vs_rest(records, classes, data.versus_rest)
    return split_records(records, data)["split"].value_counts().to_dict(), len(classes)


@lru_cache
def _records(
    dataset: str, folder: Path | None, outside: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return records and classes: those of the folder, or made-up ones in the published number."""
    if folder is not None:
        records = load_records(dataset, folder, outside=outside)
        return records, classes_of(dataset, records)
    card = catalogue.get(dataset)
    if not card.images:
        raise InputError(f"{dataset}: its number of images is not published; give --data DIR")
    rows = [
        Row(f"{split} {label} {number}", label, split=split)
        for split in card.images
        for label, count in card.counts(split).items()
        for number in range(count)
    ]
    return make_table(rows)[list(COLUMNS)], card.classes


@lru_cache
def _forward(model: config.Model, crop: config.Sides, classes: int) -> int:
    """Return the operations of one image's forward pass."""
    shape = (*config.height_width(crop), 3)
    outputs = 1 if model.activation == "sigmoid" else classes
    with keras.StatelessScope(initialize_variables=False):
        network = create_model(model.name, classes=outputs, input_shape=shape, head=model.head)
    return flops(network, shape)
