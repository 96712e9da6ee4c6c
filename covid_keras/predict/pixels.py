"""Images as the pixels that a trained network takes, one by one or in batches with labels."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras import recipes
from covid_keras.datasets.label_files import Row
from covid_keras.datasets.records import image_root, make_table
from covid_keras.export.notes import is_export, read_notes
from covid_keras.models import registry
from covid_keras.pipeline.batches import evaluation_batches
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Recipe, sized
from covid_keras.runs.run import Run


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
    recipe, _ = _described(run_or_export)
    records = make_table([Row(str(Path(path).resolve()), label="")])
    return Samples(records, Path(), (), **recipe.input.geometry(recipe.input.crop)).read(0)


def batches(
    records: pd.DataFrame,
    root: str | Path,
    run_or_recipe: str | os.PathLike,
    *,
    size: int = 32,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return batches of images and labels, for a network or a program of your own.

    Every record comes once, in the order of the table; the last batch may be shorter.

    Args:
        records: of `load_records` or `make_split`, or some of their rows.
        root: the data set's folder or CSV.
        run_or_recipe: a run folder or an export, or the name of a recipe, for its network's size.
        size: images in a batch.

    Returns:
        An iterator over pairs: images uint8 (B, h, w, 1), cropped and resized as a run evaluates
        them, and labels int32 (B,): places in the run's classes, or in the sorted labels of the
        records where a recipe is given; -1 where a label is none of them.

    Raises:
        InputError: neither a run, an export nor a recipe; an image cannot be read (as its batch
            is asked for).

    Example:
        >>> import covid_keras
        >>> records = covid_keras.load_records("folder", images)
        >>> pixels, labels = next(covid_keras.batches(records, images, run, size=4))
        >>> pixels.shape, labels.shape
        ((4, 16, 16, 1), (4,))
    """
    if str(run_or_recipe) in recipes.RECIPES:
        recipe = recipes.get(str(run_or_recipe))
        recipe = sized(recipe, registry.get(recipe.model.name).input_size)
        classes = tuple(sorted(set(records["label"]) - {""}))
    else:
        recipe, classes = _described(run_or_recipe)
    spec = recipe.input
    samples = Samples(records, image_root(root), classes, **spec.geometry(spec.crop))
    numbered = evaluation_batches(samples, size)
    read = map(numbered.read, numbered.numbers)
    return ((batch["image"], batch["label"]) for batch in read)


def _described(run_or_export: str | os.PathLike) -> tuple[Recipe, tuple[str, ...]]:
    """Return recipe and classes of a run folder, the model.keras in one, or an export."""
    model = Path(run_or_export)
    if is_export(model):
        notes = read_notes(model)
        return notes.recipe, notes.classes
    run = Run.of(model)
    return run.recipe(), run.classes()
