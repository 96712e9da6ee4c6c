"""Baselines from metadata and thumbnails: what a score can be without a look at the lungs."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from covid_keras.datasets import archive
from covid_keras.datasets.attributes import LABELLING, attributes
from covid_keras.datasets.label_files import BOX
from covid_keras.evaluation.regions import regions
from covid_keras.metrics.intervals import wilson
from covid_keras.runs.predictions_file import write_predictions
from covid_keras.runs.run import Run, describe_predictions

OF_PIXELS = ("bytes",)
"""Properties that depend on the pixels: a compressed file is longer where the image has detail."""
BOX_COLUMNS = tuple(f"box_{name}" for name in BOX)
MAX_CATEGORIES = 200
"""The rarest values of a column beyond this number count as one."""
MAX_IMAGES = 20_000
"""Training images of the thumbnail baselines; of more, a random sample is used."""
COMPONENTS = 64
MOST_FREQUENT = "most frequent class"
ALL_METADATA = "all metadata"
WHOLE = "whole thumbnail"


@dataclass(frozen=True)
class Baseline:
    """The score of one baseline on the test split."""

    name: str
    """Of the columns or the part of the thumbnail that it reads."""
    correct: int
    images: int
    accuracy: float
    """In [0, 1], as all that follow."""
    low: float
    """Lower end of the accuracy's 95 % interval (Wilson)."""
    high: float
    balanced_accuracy: float
    auc: float
    """Of the second of two classes, or the mean of each class one-vs-rest."""

    @property
    def reads(self) -> str:
        """What it reads, in words, such as "the source label alone"."""
        if self.name == MOST_FREQUENT:
            return "always predicting the most frequent class"
        names = {ALL_METADATA: "metadata", "source": "source label", "box": "bounding box"}
        return f"the {names.get(self.name, self.name)} alone"

    @property
    def blind(self) -> bool:
        """Whether nothing that it reads depends on the centre of the image."""
        return self.name not in (*OF_PIXELS, WHOLE)


def properties(
    records: pd.DataFrame, known: pd.DataFrame, headers: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the metadata of N images that a baseline can use in place of the image.

    Columns are strings, or floats where every known value is a number; those with one value for all
    images are left out. A file's header takes precedence over an attribute of the same name.

    Args:
        records: N rows.
        known: N rows, from `covid_keras.datasets.attributes`. How an image was labelled is
            left out: it is not visible in the image.
        headers: N rows with format, mode, bits, width, height and bytes; None if no file was read.
    """
    known = known.drop(columns=list(LABELLING), errors="ignore").apply(_numbers)
    boxes = records[list(BOX)].astype(float).set_axis(list(BOX_COLUMNS), axis=1)
    tables = [records[["source"]], known, boxes]
    if headers is not None:
        sizes = headers[["bits", "width", "height", "bytes"]].astype(float)
        aspect = (headers["width"] / headers["height"]).rename("aspect")
        tables[2:2] = [headers[["format", "mode"]], sizes, aspect]
    table = pd.concat([part.reset_index(drop=True) for part in tables], axis=1)
    table = table.loc[:, ~table.columns.duplicated(keep="last")]
    return table.loc[:, table.nunique(dropna=False) > 1]


def metadata_baselines(
    table: pd.DataFrame, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> list[Baseline]:
    """Score the most frequent class, each column, the box, all metadata, then pixel-dependent ones.

    Gradient-boosted trees, fitted on train and scored on test.

    Args:
        table: N rows, from `properties`.
        records: the same N rows, with train and test images of every class.
        classes: their names.
    """
    metadata = [name for name in table if name not in OF_PIXELS]
    columns = {name: [name] for name in metadata if name not in BOX_COLUMNS}
    if box := [name for name in metadata if name in BOX_COLUMNS]:
        columns["box"] = box
    if len(columns) > 1:
        columns[ALL_METADATA] = metadata
    columns |= {name: [name] for name in table if name in OF_PIXELS}
    models = {name: (_trees(table[c], seed), table[c]) for name, c in columns.items()}
    models = {MOST_FREQUENT: (DummyClassifier(strategy="most_frequent"), table)} | models
    return [_score(name, *model, records, classes) for name, model in models.items()]


def fitted_probabilities(
    table: pd.DataFrame, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> np.ndarray:
    """Return float (n, K): the baseline on all columns, fitted on train, for the n test images."""
    return _fit_predict(_trees(table, seed), table, records, classes)


def run_metadata(run: Run, records: pd.DataFrame) -> pd.DataFrame:
    """Return what `properties` knows of a run's records without a look at their pixels.

    Raises:
        InputError: A file cannot be read.
    """
    known = attributes(run.recipe().data.dataset, run.data(), records)
    table = properties(records, known, archive.headers(records["image"], run.data_root()))
    return table.drop(columns=list(OF_PIXELS), errors="ignore")


def write_metadata_baseline(run: Run) -> None:
    """Fit the metadata baseline on the run's train images and write its predictions of test.

    The baseline reads the source, the patient's attributes, the box and each file's header
    (format, mode, bits and size in pixels). It never decodes an image. If all of these are the
    same for every image, nothing is written.

    Raises:
        InputError: A file cannot be read.
    """
    records = run.split("train", "test").reset_index(drop=True)
    table = run_metadata(run, records)
    if table.empty:
        return
    outputs = fitted_probabilities(table, records, run.classes(), run.recipe().seed)
    describe_predictions(run.metadata_baseline, run, run.known_stamps(), columns=list(table))
    file = run.metadata_baseline.predictions_file("test")
    test = records[records["split"] == "test"].assign(fold=run.fold())
    write_predictions(file, test, outputs, run.classes())


def thumbnail_baselines(
    thumbnails: np.ndarray, records: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> list[Baseline]:
    """Score the thumbnail's border, the thumbnail without its centre, and the whole thumbnail.

    Principal components and logistic regression, fitted on train and scored on test.

    Args:
        thumbnails: uint8 (N, h, w).
        records: the same N images, with train and test images of every class.
        classes: their names.
    """
    train = np.flatnonzero(records["split"] == "train")
    left_out = np.random.default_rng(seed).permutation(train)[MAX_IMAGES:]
    kept = ~np.isin(np.arange(len(records)), left_out)
    records, thumbnails = records[kept], thumbnails[kept]
    fitted = int((records["split"] == "train").sum())
    part = regions(*thumbnails.shape[1:])
    visible = {
        "thumbnail border": part["border only"],
        "thumbnail without centre": part["centre blacked out"],
        WHOLE: np.ones(thumbnails.shape[1:], bool),
    }
    baselines = []
    for name, mask in visible.items():
        pixels = thumbnails[:, mask].astype(np.float32)
        most = min(COMPONENTS, *(np.array(pixels.shape) // 2), fitted)
        components = PCA(max(1, most), random_state=seed)
        classifier = LogisticRegression(max_iter=500, C=0.1)
        model = make_pipeline(StandardScaler(), components, StandardScaler(), classifier)
        baselines.append(_score(name, model, pixels, records, classes))
    return baselines


def _numbers(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column.where(column != ""), errors="coerce")
    return numbers if numbers.notna().eq(column != "").all() else column


def _trees(table: pd.DataFrame, seed: int) -> Pipeline:
    words = [c for c in table if not pd.api.types.is_numeric_dtype(table[c])]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=MAX_CATEGORIES
    )
    encode = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    trees = HistGradientBoostingClassifier(
        max_iter=50,
        learning_rate=0.3,
        min_samples_leaf=5,
        early_stopping=False,
        categorical_features=list(range(len(words))) or None,
        random_state=seed,
    )
    return make_pipeline(encode, trees)


def _score(name: str, model, inputs, records: pd.DataFrame, classes: Sequence[str]) -> Baseline:
    probabilities = _fit_predict(model, inputs, records, classes)
    predicted = np.asarray(classes)[probabilities.argmax(axis=1)]
    true = records.loc[records["split"] == "test", "label"].to_numpy()
    correct, images = int((true == predicted).sum()), len(true)
    balanced = float(balanced_accuracy_score(true, predicted))
    scored = [1] if len(classes) == 2 else range(len(classes))
    areas = [roc_auc_score(true == classes[k], probabilities[:, k]) for k in scored]
    interval, auc = wilson(correct, images), float(np.mean(areas))
    return Baseline(name, correct, images, correct / images, *interval, balanced, auc)


def _fit_predict(model, inputs, records: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return (n, K) probabilities of the test images; 0 for classes without train images."""
    train, test = ((records["split"] == split).to_numpy() for split in ("train", "test"))
    # One thread: on a busy machine OpenMP's threads wait for each other, 40 times as long.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs[train], records.loc[train, "label"])
        probabilities = model.predict_proba(inputs[test])
    table = pd.DataFrame(probabilities, columns=list(model.classes_))
    return table.reindex(columns=list(classes), fill_value=0.0).to_numpy()
