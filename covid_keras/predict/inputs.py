"""Files to predict: their records, and their pixels as a network takes them."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.label_files import Row
from covid_keras.datasets.records import make_table
from covid_keras.export.notes import is_export, read_notes
from covid_keras.images.find import images_below
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Recipe
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError


def preprocess(path: str | Path, run_or_export: str | os.PathLike) -> np.ndarray:
    """Read one image as the pixels that a trained network takes: cropped and resized.

    Args:
        path: a PNG, JPEG or DICOM file.
        run_or_export: a run folder, the model.keras in one, or an export folder of any format.

    Returns:
        uint8 (h, w), as the run was evaluated on, and as `serve_pixels` of an export takes.

    Raises:
        InputError: the image cannot be read, or `run_or_export` is neither.

    Example:
        >>> import covid_keras
        >>> covid_keras.preprocess(images / "000.png", run).shape
        (16, 16)
    """
    model = Path(run_or_export)
    if is_export(model):
        recipe = read_notes(model).recipe
    else:
        recipe = Run(model.parent if model.suffix == ".keras" else model).recipe()
    return samples_of(_records([Path(path).resolve()]), recipe).read(0)


def samples_of(records: pd.DataFrame, recipe: Recipe) -> Samples:
    """Return the records of `records_of_files` as samples at the network's input size."""
    return Samples(records, Path(), (), **recipe.input.geometry(recipe.input.crop))


def records_of_files(inputs: Iterable[str | Path]) -> pd.DataFrame:
    """Return unlabelled records of image files and of all images in folders, sorted by folder.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    images = []
    for path in map(Path, inputs):
        if not path.exists():
            raise InputError(f"{path}: file not found")
        if path.is_dir():
            if not (files := images_below(path)):
                raise InputError(f"{path}: no PNG, JPEG or DICOM files in this folder")
            images += files
        else:
            images.append(path)
    return _records(dict.fromkeys(image.resolve() for image in images))


def _records(images: Iterable[Path]) -> pd.DataFrame:
    return make_table(Row(str(image), label="") for image in images)
