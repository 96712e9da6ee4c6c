"""The rule that reads no pixel, on a run's own split: what its network has to beat."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from covid_keras.audit import facts
from covid_keras.audit.baselines import fitted_probabilities
from covid_keras.audit.inventory import OF_PIXELS, properties
from covid_keras.data import readers
from covid_keras.data.attributes import attributes
from covid_keras.evaluation import write_predictions
from covid_keras.runs import RunFolder, write_beside

_HEAD = 1 << 16
"""Bytes in which a header is looked for before the whole file is read."""


def write_rule(run: RunFolder, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Fit the rule on the run's train images, and write its predictions of the test images.

    It reads what the audit's rule "all of these" reads: source, attributes, box, and the files'
    format, mode, bits and size in pixels; the headers only. Where all of that is the same for
    every image there is no rule, and nothing is written.

    Raises:
        InputError: a file cannot be read.
    """
    records = run.split()
    records = records[records["split"].isin(("train", "test"))].reset_index(drop=True)
    known = attributes(run.recipe().data.dataset, run.data(), records)
    table = properties(records, known, _headers(records["image"], run.data_root(), on_progress))
    table = table.drop(columns=list(OF_PIXELS), errors="ignore")
    if table.empty:
        return
    outputs = fitted_probabilities(table, records, run.classes(), run.recipe().seed)
    write_beside(run.pixel_free, run, run.known_stamps(), columns=list(table))
    test = records[records["split"] == "test"]
    write_predictions(run.pixel_free.predictions_file("test"), test, outputs, run.classes())


def _headers(images: pd.Series, root: Path, on_progress) -> pd.DataFrame:
    """What `Scan.table` holds of each image, from its header."""
    rows = []
    for done, image in enumerate(images, 1):
        rows.append(_header(root / image))
        if on_progress:
            on_progress(done, len(images))
    return pd.DataFrame(rows, columns=["format", "mode", "bits", "width", "height", "bytes"])


def _header(path: Path) -> tuple:
    data = readers.read_bytes(path, _HEAD)
    if data.startswith(readers.JPEG) and readers.jpeg_frame(data) is None:
        data = readers.read_bytes(path)
    return *facts.header(data, path), *readers.image_size(path), path.stat().st_size
