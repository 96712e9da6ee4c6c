"""Describe a data set by figures and a table that can stand in a paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras import recipes
from covid_keras.datasets import archive, catalogue
from covid_keras.datasets.label_files import BOX, SPLITS
from covid_keras.datasets.records import classes_of, evenly_spaced, image_root, load_records
from covid_keras.figures.canvas import save
from covid_keras.figures.captions import write_captions
from covid_keras.figures.data_figures import (
    Example,
    counts_figure,
    example_rows_figure,
    sizes_figure,
)
from covid_keras.images.geometry import chosen_box
from covid_keras.images.read import read_image
from covid_keras.recipes.published import Published, published
from covid_keras.utils import latex
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text
from covid_keras.utils.locks import locked
from covid_keras.utils.text import csv_text, markdown_page

COLUMNS = ("images", "min", "max", "mean", "std")
"""Of the table of sizes; all but the first in pixels."""
UNFRAMED = "none"
FRAMES = {
    "annotated": "Red frames: the annotated crop boxes; dashed: found in the image.",
    "body": "Dashed red frames: the body, found in the image, to which it is cropped.",
    UNFRAMED: "",
}
"""{`input.box` of a recipe: sentence on the frames}."""


@dataclass(frozen=True)
class _Set:
    """A data set that is described."""

    records: pd.DataFrame
    classes: tuple[str, ...]
    title: str
    root: Path
    out: Path

    def rows(self, label: str) -> pd.DataFrame:
        return self.records[self.records["label"] == label]


def describe(
    dataset: str,
    data: str | Path,
    *,
    out: str | Path | None = None,
    splits: Sequence[str] | None = None,
    recipe: str | None = None,
    count: int = 4,
) -> list[Path]:
    """Draw the images and patients of a data set by split and class, examples and image sizes.

    Args:
        dataset: a name of the catalogue.
        data: the data set's folder or CSV; without images only the counts are drawn.
        out: folder of the result; None is descriptions/DATASET.
        splits: published splits to describe; None is all.
        recipe: whose crop frames are drawn, and whose paper's table of sizes stands beside ours;
            None draws the annotated boxes.
        count: examples of each class.

    Returns:
        counts.png, examples.png and sizes.png (each also as SVG); sizes.md, .csv and .tex: images,
        and smallest, largest, mean and standard deviation of their pixels; and captions.md.

    Raises:
        InputError: unknown data set or recipe, no such folder, a bad line in a label file, an image
            that cannot be read, or a count below 1.

    Example:
        >>> import covid_keras
        >>> [path.name for path in covid_keras.describe("folder", images, out=out)][:3]
        ['counts.png', 'examples.png', 'sizes.png']
    """
    if count < 1:
        raise InputError(f"count: expected 1 or more. Received: {count}")
    out = Path("descriptions") / dataset if out is None else Path(out)
    crop_to = recipes.get(recipe).input.box if recipe else UNFRAMED
    table = published(recipe, f"sizes of {recipe}") if recipe else None
    records = load_records(dataset, data, splits)
    title = catalogue.get(dataset).title
    given = _Set(records, classes_of(dataset, records), title, image_root(data), out)
    with locked(out):
        captions = {"counts": _draw_counts(given)}
        if any((given.root / image).is_file() for image in records["image"].head(100)):
            captions["examples"] = _draw_examples(given, crop_to, count)
            captions["sizes"] = _draw_sizes(given, table)
        else:
            say(f"{given.root}: no images; examples and sizes are left out")
        write_captions(out, captions)
    tables = [f"sizes.{kind}" for kind in ("md", "csv", "tex") if "sizes" in captions]
    return [out / name for name in (*(f"{n}.png" for n in captions), *tables, "captions.md")]


def _draw_counts(given: _Set) -> str:
    """Draw counts.png; return its caption."""
    records = given.records.assign(split=given.records["split"].replace("", "all"))
    splits = [name for name in (*SPLITS, "all") if name in set(records["split"])]
    by_class = records.groupby(["split", "label"])
    counts = [by_class.size(), by_class["patient"].nunique()]
    images, patients = (
        table.unstack(fill_value=0).reindex(splits)[list(given.classes)] for table in counts
    )
    known = bool((records["patient"] != "").all())
    caption = (
        f"Images{' and patients' if known else ''} of {given.title}, by split and class:"
        f" {len(records):,} images"
    )
    if known:
        caption += (
            f" of {records['patient'].nunique():,} patients. A patient with images in several"
            " splits or classes counts in each."
        )
    else:
        caption += ". Patient ids are not known for every image."
    figure = counts_figure(images, patients if known else None, given.title, caption)
    save(figure, given.out / "counts.png")
    return caption


def _draw_examples(given: _Set, crop_to: str, count: int) -> str:
    """Draw examples.png; return its caption."""
    rows = {}
    for label in given.classes:
        of_class = given.rows(label)
        chosen = of_class.iloc[evenly_spaced(len(of_class), count)]
        rows[label] = [
            _example(given.root, record, crop_to) for record in chosen.to_dict("records")
        ]
    framed = any(example.box for examples in rows.values() for example in examples)
    frames = (FRAMES[crop_to] or "Red frames: the annotated crop boxes.") if framed else ""
    caption = (
        f"Examples from {given.title}: a row for each class, up to {count} images spread evenly"
        f" over its list of files, as they are stored. {frames}"
    ).strip()
    figure = example_rows_figure(rows, f"Examples from {given.title}", caption)
    save(figure, given.out / "examples.png")
    return caption


def _example(root: Path, record: dict, crop_to: str) -> Example:
    """Read an image with its annotated box, or with the one that `crop_to` finds."""
    image = read_image(root / record["image"])
    box = None if pd.isna(record["x0"]) else tuple(int(record[name]) for name in BOX)
    annotated = box is not None and crop_to != "body"
    return Example(image, box if annotated else chosen_box(image, None, crop_to), annotated)


def _draw_sizes(given: _Set, table: Published | None) -> str:
    """Draw sizes.png and write the table of sizes; return the caption."""
    headers = archive.headers(given.records["image"], given.root)
    area = (headers["width"] * headers["height"]).to_numpy(np.int64)
    labels = given.records["label"].to_numpy()
    pixels = {label: area[labels == label] for label in given.classes}
    caption = (
        f"Sizes of the images of {given.title} by class: the share of images that have at most so"
        " many pixels (width times height, as stored)."
    )
    save(sizes_figure(pixels, f"Image sizes, {given.title}", caption), given.out / "sizes.png")
    rows = [[label, *_statistics(values)] for label, values in pixels.items()]
    _write_table(given, pd.DataFrame(rows, columns=["class", *COLUMNS]), table)
    return caption


def _write_table(given: _Set, sizes: pd.DataFrame, table: Published | None) -> None:
    """Write sizes.md, .csv and .tex: our rows and below a rule the published ones."""
    head, title = list(sizes), f"Image sizes of {given.title}"
    notes = ["Pixels of an image: smallest, largest, mean and standard deviation (of the sample)."]
    blocks = [[head], [[row[0], *(f"{n:.10g}" for n in row[1:])] for row in sizes.to_numpy()]]
    if table:
        notes.append(f"Published: {table.source}.")
        blocks.append([[f"{row}, published", *table.cells(row, COLUMNS)] for row in table.rows])
    contents = {
        "md": markdown_page(title, list(chain(*blocks)), [], notes),
        "csv": csv_text(sizes),
        "tex": latex.table(blocks, "lrrrrr", " ".join([f"{title}.", *notes]), "sizes"),
    }
    for kind, content in contents.items():
        write_text(given.out / f"sizes.{kind}", content)


def _statistics(pixels: np.ndarray) -> tuple[int, int, int, float, float]:
    """Return number, smallest, largest, mean and standard deviation, the last two to 0.01."""
    std = pixels.std(ddof=1) if len(pixels) > 1 else 0.0
    centre = round(float(pixels.mean()), 2)
    return len(pixels), int(pixels.min()), int(pixels.max()), centre, round(float(std), 2)
