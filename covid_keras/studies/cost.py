"""What a study costs, counted before any run: floating point operations, and hours on a GPU."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.label_files import COLUMNS, Row
from covid_keras.datasets.records import classes_of, load_records, make_table, one_vs_rest
from covid_keras.models.create import create_model
from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe
from covid_keras.studies.execute import Source, finished, recipe_of
from covid_keras.studies.study import Study
from covid_keras.training.setup import split_records
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import text_table

SUSTAINED = 20e12
"""Operations a second that a GPU is taken to sustain: an assumption, not a measurement. Small
networks on small images stay below it."""


@dataclass(frozen=True)
class Cost:
    """Of the runs of one row."""

    runs: int
    finished: int
    images: int
    """Training images of one run."""
    steps: int
    """Of one run."""
    operations: float
    """Floating point operations of all the runs."""

    @property
    def hours(self) -> float:
        """On one GPU that sustains `SUSTAINED`."""
        return self.operations / SUSTAINED / 3600


def costs(study: Study, out: Path, source: Source) -> dict[str, Cost]:
    """{row: what its runs cost}, without reading an image or giving a network values.

    Args:
        out: the study's folder.
        source: where it has no data, the data set's published number of images counts.

    Raises:
        InputError: the data set's number of images is not published, or its folder is not there.
    """
    published = functools.cache(lambda dataset: _records(dataset, source.data))
    counted = functools.cache(lambda data, seed: _images(*published(data.dataset), data, seed))
    forward = functools.cache(_forward)
    found = {}
    for row in study.rows:
        trials = [trial for trial in study.trials if trial.row == row]
        recipe = recipe_of(study, trials[0], source)
        images, classes = counted(recipe.data, recipe.seed)
        recipe = config.settled(recipe, images["train"])
        found[row] = Cost(
            runs=len(trials),
            finished=sum(finished(out / trial.folder) for trial in trials),
            images=images["train"],
            steps=recipe.training.steps,
            operations=len(trials)
            * forward(recipe.model, recipe.input.crop, classes)
            * passes(recipe, images),
        )
    return found


def passes(recipe: Recipe, images: Mapping[str, int]) -> int:
    """Forward passes, of one image each, that one run is worth: training, val after every
    stretch of steps, and val and test at its end."""
    from covid_keras.models.flops import TRAINING

    training = recipe.training
    evaluations = -(-training.steps // training.eval_every)
    trained = TRAINING * training.steps * training.batch
    return trained + (evaluations + 1) * images["val"] + images["test"]


def listing(found: Mapping[str, Cost], counted: str) -> str:
    """The rows and their costs as text; `counted` says of which images."""
    lines = [("", "runs", "finished", "images", "steps", "PFLOP", "GPU hours")]
    for row, cost in found.items():
        lines.append((row, *map(str, (cost.runs, cost.finished)), *_amounts(cost)))
    total = sum(cost.hours for cost in found.values())
    lines.append(("all", *_sums(found), "", "", "", f"{total:.2f}"))
    text = text_table(lines, "<>")
    text.append(
        f"images and steps are of one run, of {counted}; GPU hours: by operations alone, on a GPU "
        f"that sustains {SUSTAINED / 1e12:.0f} TFLOP/s"
    )
    return "\n".join(text)


def _amounts(cost: Cost) -> tuple[str, ...]:
    petaflop = f"{cost.operations / 1e15:,.1f}"
    return f"{cost.images:,}", f"{cost.steps:,}", petaflop, f"{cost.hours:.2f}"


def _sums(found: Mapping[str, Cost]) -> tuple[str, str]:
    costs = found.values()
    return str(sum(cost.runs for cost in costs)), str(sum(cost.finished for cost in costs))


def _records(dataset: str, data: Path | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Records and classes: of the folder, else as many as are published."""
    if data is not None:
        records = load_records(dataset, data)
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


def _images(
    records: pd.DataFrame, classes: tuple[str, ...], data: config.Data, seed: int
) -> tuple[dict[str, int], int]:
    """Images of each split, and the number of classes."""
    records, classes = one_vs_rest(records, classes, data.positive)
    split = split_records(records, data, seed)
    return split["split"].value_counts().to_dict(), len(classes)


def _forward(model: config.Model, crop: config.Sides, classes: int) -> int:
    """Operations of one image's forward pass."""
    import keras

    from covid_keras.models.flops import flops

    shape = (*config.height_width(crop), 3)
    outputs = 1 if model.activation == "sigmoid" else classes
    with keras.StatelessScope(initialize_variables=False):
        network = create_model(model.name, classes=outputs, input_shape=shape, head=model.head)
    return flops(network, shape)
