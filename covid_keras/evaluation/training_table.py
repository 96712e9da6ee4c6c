"""What a table of the training images says of a score: leaks, and the metadata baseline."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from covid_keras.datasets import archive
from covid_keras.datasets.label_files import BOX, COLUMNS
from covid_keras.datasets.source_baseline import CONFOUNDED, source_baseline
from covid_keras.datasets.splits import is_image_level
from covid_keras.evaluation.baselines import OF_PIXELS, fitted_probabilities, properties
from covid_keras.evaluation.tables import Table, read_labels
from covid_keras.metrics.predictions import Predictions
from covid_keras.metrics.set_scores import scores_and_change
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import count

SHOWN = 5
"""Examples of leaked images and patients in the result."""


def read_training(
    train: object, table: Table, columns: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the records of the training and test images, with their split, and their attributes.

    Args:
        train: a table with the training images' names and labels.
        table: the predictions of the test images.
        columns: as in `read_table`.

    Raises:
        InputError: the table lacks a column, or a class of the predictions.
    """
    labels, known = read_labels(train, columns, table.predictions.classes)
    if missing := set(table.predictions.classes) - set(labels["label"]):
        raise InputError(
            f"train: expected images of every class. Received: none of {', '.join(sorted(missing))}"
        )
    parts = [labels.assign(split="train"), table.predictions.table.assign(split="test")]
    records = pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
    records[list(BOX)] = records[list(BOX)].astype("Int64")
    attributes = pd.concat([known, table.attributes], ignore_index=True, join="inner")
    return records, attributes


def find_leaks(records: pd.DataFrame) -> dict:
    """Return the images and patients that are both in train and in test, ready for JSON.

    An image is in both if both tables give it the same name. The audit finds copies under other
    names.

    Returns:
        {images, patients: {count, of, examples}}; patients is None without ids.
    """
    train, test = (records[records["split"] == split] for split in ("train", "test"))
    leaks = {"images": _shared(train["image"], test["image"]), "patients": None}
    known = [part.loc[part["patient"] != "", "patient"] for part in (train, test)]
    if all(len(ids) for ids in known):
        leaks["patients"] = _shared(*(ids.drop_duplicates() for ids in known))
    return leaks


def _shared(train: pd.Series, test: pd.Series) -> dict:
    both = test[test.isin(set(train))]
    return {"count": len(both), "of": len(test), "examples": both.head(SHOWN).tolist()}


def training_stamps(records: pd.DataFrame, leaks: Mapping) -> list[str]:
    """Return the stamps that follow from the training images, most serious first."""
    stamps = []
    for noun in ("image", "patient"):
        part = leaks[f"{noun}s"]
        if part and part["count"]:
            are = "is" if part["count"] == 1 else "are"
            shared = f"{part['count']:,} of {count(part['of'], f'test {noun}')} {are} in train"
            stamps.append(f"LEAK: {shared}; scores are too high")
    if is_image_level(records) and not any("patient" in stamp for stamp in stamps):
        stamps.append("NO PATIENT-LEVEL SPLIT: patients may be in train and test")
    baseline = source_baseline(records)
    if baseline and baseline.balanced_accuracy >= CONFOUNDED:
        stamps.append(f"SOURCE-CONFOUNDED: {baseline}")
    return stamps


def metadata_baseline(
    predictions: Predictions,
    records: pd.DataFrame,
    attributes: pd.DataFrame,
    images: Path | None,
    seed: int,
) -> dict | None:
    """Return the scores of the metadata baseline, and the lead of the predictions over it.

    Args:
        predictions: of the test images.
        records, attributes: from `read_training`.
        images: folder of the files, whose headers (never pixels) are read too; None for none.
        seed: of the trees.

    Returns:
        As in metrics.json; None if nothing differs between images.

    Raises:
        InputError: an image cannot be read.
    """
    headers = archive.headers(records["image"], images) if images else None
    table = properties(records, attributes, headers).drop(columns=list(OF_PIXELS), errors="ignore")
    if table.empty:
        return None
    outputs = fitted_probabilities(table, records, predictions.classes, seed)
    baseline = Predictions(predictions.table, predictions.classes, predictions.labels, outputs)
    scores = scores_and_change(baseline, baseline, predictions, "lead")
    return {"columns": list(table)} | scores
