"""Predict the images of a set: a split of the run's own data, or another data set."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.check import check_files
from covid_keras.datasets.hashes import file_hashes
from covid_keras.datasets.label_files import SPLITS
from covid_keras.datasets.levels import warn_of_levels
from covid_keras.datasets.records import image_root, load_external, map_labels, one_vs_rest
from covid_keras.datasets.splits import HASH
from covid_keras.metrics.predictions import Predictions
from covid_keras.recipes.settings import OWN_DATA
from covid_keras.runs.inference import Trained, load_trained, probabilities
from covid_keras.runs.predictions_file import read_predictions, write_predictions, write_uncertainty
from covid_keras.runs.run import Run
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape

_log = logging.getLogger(__name__)


def predict_split(run: Run, split: str) -> Predictions:
    """Predict a split of the run's own data with its model.keras, and write the predictions."""
    trained = load_trained(run.path)
    return predict_set(run, trained, split, run.split(split), run.data_root())


def predict_set(
    run: Run, trained: Trained, name: str, records: pd.DataFrame, root: Path
) -> Predictions:
    """Predict the records, write predictions_NAME.csv and uncertainty_NAME.csv; return them."""
    file, records = run.predictions_file(name), records.assign(fold=run.fold())
    outputs = probabilities(trained, trained.samples(records, root), name)
    write_predictions(file, records, outputs, trained.classes)
    predictions = read_predictions(file)
    write_uncertainty(run.uncertainty_file(name), predictions)
    return predictions


def external_records(
    run: Run, trained: Trained, dataset: str, data: Path, label_map: Mapping[str, str]
) -> pd.DataFrame:
    """Return the records of another data set with the class names of the run.

    Args:
        dataset: A name of the catalogue.
        data: The data set's folder or CSV.
        label_map: {a label of the data set: a class of the run, or "" to leave its images out}.

    Raises:
        InputError: A label without a class, or images that the run was trained on.
    """
    outside, root = trained.recipe.data.outside, image_root(data)
    records = load_external(dataset, data, outside=outside)
    check_files(records, root, outside)
    warn_of_levels(records["image"].tolist(), root, trained.recipe.input.levels)
    if rest := trained.recipe.data.versus_rest:
        records, _ = one_vs_rest(records, (*set(records["label"]), rest), rest)
    counts = records["label"].value_counts(sort=False)
    records = map_labels(records, trained.classes, label_map)
    for label, count in counts.items():
        ours = label_map.get(label, label)
        fate = f"counts as {ours}" if ours else "is left out"
        _log.info("label %s %s: %s images", label, fate, f"{count:,}")
    check_other_images(run, dataset, records, root)
    return records


def default_name(dataset: str, data: str | Path | None) -> str:
    """Return what an external set is called: its data set, or the folder of one's own images."""
    return image_root(data).resolve().name if dataset == OWN_DATA and data else dataset


def keep_apart(run: Run, name: str, records: pd.DataFrame, root: Path) -> None:
    """Note in external.json which images an external set holds.

    Raises:
        InputError: the run has other images under this name.
    """
    files = ((image, root / image) for image in sorted(records["image"]))
    sizes = [(image, file.stat().st_size if file.is_file() else -1) for image, file in files]
    digest = hashlib.sha256(repr(sizes).encode()).hexdigest()
    known = read_json(run.external_file) if run.external_file.exists() else {}
    check_shape(known, {str: str}, str(run.external_file))
    if known.setdefault(name, digest) != digest:
        raise InputError(
            f"{run.path}: the external set {name} holds other images already; give this one"
            " another name (--name)"
        )
    write_json(run.external_file, known)


def check_other_images(run: Run, dataset: str, records: pd.DataFrame, root: Path) -> None:
    """Raise InputError where the run was trained on these images, or has copies of them."""
    shared = len(set(run.split("train", "val")["image"]) & set(records["image"]))
    same_set = run.recipe().data.dataset == dataset != "folder"
    if shared and (same_set or root.resolve() == run.data_root().resolve()):
        raise InputError(
            f"{root}: expected another data set, for an external test. Received: the run's own"
            f" data set, with {shared:,} images that it was trained on"
        )
    ours, theirs = run.split(), file_hashes(root, records["image"].tolist())
    split_of = dict(zip(ours[HASH], ours["split"], strict=True)) | {"": ""}
    copies = {
        image: split_of[digest]
        for image, digest in zip(records["image"], theirs, strict=True)
        if split_of.get(digest)
    }
    if copies:
        raise InputError(
            f"{root}: expected other images than the run's, for an external test. Received:"
            f" {len(copies):,} of {len(records):,} are copies of the run's"
            f" ({_by_split(copies.values())}), the first"
            f" {next(iter(copies))}"
        )


def warn_of_replaced(run: Run) -> None:
    """Warn of images of the run's own data that are not those of when it was set up."""
    records = run.split()
    now = file_hashes(run.data_root(), records["image"].tolist())
    replaced = records[records[HASH].ne(now) & records[HASH].ne("") & np.array(now, bool)]
    if len(replaced):
        _log.warning(
            "%s: %d of %d images were replaced since the run was set up (%s), the first %s",
            *(run.path, len(replaced), len(records), _by_split(replaced["split"])),
            replaced["image"].iloc[0],
        )


def _by_split(splits: Iterable[str]) -> str:
    """Return how many there are of each split, as in "3 of train, 1 of test"."""
    counts = Counter(splits)
    return ", ".join(f"{counts[split]:,} of {split}" for split in SPLITS if counts[split])
