"""The matched test: test images of both sides that are alike in age, sex, view or source."""

from collections.abc import Sequence

import pandas as pd

from covid_keras.evaluation.known_columns import known_columns
from covid_keras.metrics.intervals import auc_estimate
from covid_keras.metrics.matching import match
from covid_keras.metrics.predictions import Predictions
from covid_keras.runs.run import Run
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape

FILE = "matched.json"
FOLD = "fold"
"""The column that keeps pairs within a fold: networks of two folds have no common scale."""
_BALANCE = dict.fromkeys(("before", "after"), (None, float))
_CLASS = {"known": int, "refused": str, "differences": {str: _BALANCE}, "pairs": [[str]]}
_SHAPE = {"columns": [str], "classes": {str: _CLASS}}


def match_test(folder: Run, columns: Sequence[str], runs: Sequence[Run] = ()) -> None:
    """Match the test images of each class with the others; write shortcuts/matched.json.

    Of two classes the second is matched with the first.

    Args:
        folder: A run, or a folder of folds.
        columns: Of `known_columns`.
        runs: The folds in the folder, whose images are matched within each fold.
    """
    runs = runs or [folder]
    parts = [(run, run.split("test")) for run in runs]
    records = pd.concat([part for _, part in parts], ignore_index=True)
    tables = [
        known_columns(*part)[[*columns]].assign(**{FOLD: f"fold {place}"})
        for place, part in enumerate(parts)
    ]
    table, images = pd.concat(tables, ignore_index=True), records["image"].to_numpy(str)
    classes, seed = runs[0].classes(), runs[0].recipe().seed
    found = {}
    for label in classes[-1:] if len(classes) == 2 else classes:
        matched = match((records["label"] == label).to_numpy(), table, seed)
        found[label] = {
            "known": matched.known,
            "refused": matched.refused,
            "differences": {
                name: {"before": before, "after": after}
                for name, (before, after) in matched.differences.items()
                if name != FOLD
            },
            "pairs": images[matched.pairs].tolist(),
        }
    write_json(folder.shortcuts / FILE, {"columns": [*columns], "classes": found})


def matched_columns(run: Run) -> list[str]:
    """Return the columns that the test images were matched in; [] if they were not.

    Raises:
        InputError: the file is damaged.
    """
    return _read(run).get("columns", [])


def matched_scores(run: Run, predictions: Predictions) -> dict | None:
    """Return the AUC of each class on its pairs, as in metrics.json; None if nothing was matched.

    Args:
        run: A run, or a folder of folds.
        predictions: of the test images.

    Raises:
        InputError: the file is damaged.
    """
    if not (matched := _read(run)):
        return None
    classes = {
        label: _score(found, predictions, predictions.classes.index(label))
        for label, found in matched["classes"].items()
        if label in predictions.classes
    }
    return {"columns": matched["columns"], "classes": classes}


def _read(run: Run) -> dict:
    """Return what `match_test` wrote; {} if there is nothing."""
    file = run.shortcuts / FILE
    if not file.exists():
        return {}
    matched = read_json(file)
    check_shape(matched, _SHAPE, str(file))
    return matched


def _score(found: dict, predictions: Predictions, k: int) -> dict:
    """Return how well class `k` is told from the others, on the pairs and on all images."""
    paired = {image for pair in found["pairs"] for image in pair}
    kept = predictions.take(predictions.table["image"].isin(paired).to_numpy())
    return found | {
        "pairs": len(found["pairs"]),
        "auc": None if found["refused"] else _auc(kept, k),
        "all": _auc(predictions, k),
    }


def _auc(predictions: Predictions, k: int) -> dict:
    of_class, scores = predictions.labels == k, predictions.probabilities[:, k]
    found = auc_estimate(of_class, scores, predictions.clusters, predictions.folds)
    return found.entry(predictions.unit)
