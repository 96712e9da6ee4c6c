"""Measure predictions that any program made."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from covid_keras.datasets.label_files import COLUMNS
from covid_keras.evaluation.tables import Table, read_table
from covid_keras.metrics import operating_point
from covid_keras.metrics import prevalence as at_prevalence
from covid_keras.metrics.claims import judge, parse
from covid_keras.metrics.results import Metrics
from covid_keras.metrics.set_scores import score_set
from covid_keras.recipes.config import check_seeds
from covid_keras.recipes.settings import OWN_DATA
from covid_keras.runs.environment import command
from covid_keras.runs.stamps import NO_PATIENTS, NOT_A_DEVICE, TRAINING_UNKNOWN
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import write_text
from covid_keras.utils.text import csv_text

if TYPE_CHECKING:
    from covid_keras.audit.result import Audit


_log = logging.getLogger(__name__)


def measure(
    predictions: object,
    *,
    labels: object = None,
    val: object = None,
    train: object = None,
    images: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    positive: str | None = None,
    prevalence: float | None = None,
    require: Sequence[str] = (),
    out: str | Path | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> Metrics:
    """Measure predictions that any program made, as `evaluate` does those of a run.

    A table is a CSV or .parquet file, a DataFrame, or {column: values} of arrays. Columns are found
    by their names; docs/how-to/measure.md lists them. Needs neither Keras nor TensorFlow.

    Args:
        predictions: a table of the test images: true label, and the probabilities or logits of each
            class, or of the positive class alone; also patient, source and any attributes.
        labels: a table with the true labels, joined by image, if the predictions have none.
        val: predictions of val, to fit temperature, threshold and patient rule.
        train: a table of the training images, to find leaks and score the metadata baseline.
        images: the folder of the images: they are audited, and the metadata baseline reads the
            files' headers too.
        columns: {image, label, patient, source, fold, score or a class: its column}, for names that
            are not found.
        positive: the positive class; None recognises it by its name.
        prevalence: PPV and NPV of the last class at this prevalence, in (0, 1).
        require: claims to judge, such as "auc.low > 0.8" or "no-leaks"; the verdicts are `claims`.
        out: a new folder for the predictions, metrics.json, figures, report.html and card.md; None
            writes nothing.
        seed, resamples: of the bootstraps.

    Returns:
        The metrics, with 95 % intervals by patient; with `train` also `leaks` and
        `metadata_baseline`, with `images` `audit`.

    Raises:
        InputError: a column is missing or not clear, an unknown label, values that are no
            probabilities, an image twice; with file and line.

    Example:
        >>> import covid_keras
        >>> table = {"label": [0, 0, 1, 1], "score": [0.1, 0.6, 0.7, 0.9], "patient": list("abcd")}
        >>> metrics = covid_keras.measure(table)
        >>> metrics["accuracy"]["value"]
        0.75
    """
    check_seeds((seed,))
    claims = [parse(text) for text in require]
    if prevalence is not None:
        at_prevalence.check(prevalence)
    if images and train is None:
        raise InputError("images: only with train, the table of the training images (--train)")
    given = {"labels": labels, "columns": columns, "positive": positive}
    table = read_table(predictions, **given)
    classes = table.predictions.classes
    fitted = read_table(val, **given, classes=classes) if val is not None else None
    point = operating_point.fit(fitted.predictions) if fitted else None
    _log.info("%s", _described(table))
    content = {"stamps": [], "command": command(), "looks": {}}
    content |= {"operating_point": point.to_json() if point else None}
    groups = pd.concat([table.predictions.table[["source"]], table.attributes], axis=1)
    result = score_set(table.predictions, groups, point, prevalence, seed, resamples)
    content["splits"], audited = {"test": result}, None
    if train is None:
        content["stamps"].append(TRAINING_UNKNOWN)
    else:
        found, content["metadata_baseline"], audited = _against_training(
            table, train, columns or {}, Path(images) if images else None, seed
        )
        content["stamps"] += found.pop("stamps")
        result |= found
    if not table.predictions.has_patients:
        content["stamps"].append(NO_PATIENTS)
    content["stamps"].append(NOT_A_DEVICE)
    result["claims"] = judge(claims, content, "test")
    if out is not None:
        from covid_keras.evaluation.measured import write_measured  # imports Matplotlib
        from covid_keras.report.audit_page import write_audit_page
        from covid_keras.report.run_pages import write_card, write_report

        sets = {"test": table.predictions} | ({"val": fitted.predictions} if fitted else {})
        folder = write_measured(Path(out), sets, content, predictions)
        write_report(folder)
        write_card(folder)
        if audited:
            write_audit_page(audited, Path(out) / "audit")
    return Metrics.of_set(content, "test")


def _against_training(
    table: Table, train: object, columns: Mapping[str, str], images: Path | None, seed: int
) -> tuple[dict, dict | None, "Audit | None"]:
    """Compare with the training images.

    Returns:
        {leaks, stamps, and with images audit}; the metadata baseline, and the audit.
    """
    from covid_keras.evaluation import training_table  # imports OpenCV and pydicom

    training = training_table.read_training(train, table, columns)
    baseline = training_table.metadata_baseline(table.predictions, *training, images, seed)
    leaks = training_table.find_leaks(training[0])
    found = {"leaks": leaks, "stamps": training_table.training_stamps(training[0], leaks)}
    if images is None:
        return found, baseline, None
    from covid_keras.audit.check import FAIL  # the audit imports OpenCV, too

    audited = _audit(*training, images, seed)
    found["audit"] = [{"severity": f.severity, "text": f.text} for f in audited.findings]
    found["stamps"] += [
        f"LEAK: {finding.text}"
        for finding in audited.findings
        if finding.severity == FAIL and finding.name != "shared patients"  # said above
    ]
    return found, baseline, audited


def _audit(records: pd.DataFrame, attributes: pd.DataFrame, images: Path, seed: int) -> "Audit":
    """Audit the training and test images, as `covid_keras.audit` does a data set."""
    from covid_keras.audit.audit import audit  # imports OpenCV

    places = [str((images / image).resolve()) for image in records["image"]]
    rows = records.assign(image=places).join(attributes[attributes.columns.difference(COLUMNS)])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "labels.csv"
        write_text(file, csv_text(rows))
        return audit(OWN_DATA, file, seed=seed, outside=True)


def _described(table: Table) -> str:
    """Return how the table was read."""
    classes = table.predictions.classes
    others = ", ".join(table.attributes) or "none"
    return f"classes: {', '.join(classes)} (positive: {classes[-1]}); other columns: {others}"
