"""The matched test: test images of both sides that are alike in age, sex, view or source."""

from collections.abc import Sequence

from covid_keras.evaluation.known_columns import known_columns
from covid_keras.metrics.intervals import auc_estimate
from covid_keras.metrics.matching import match
from covid_keras.metrics.predictions import Predictions
from covid_keras.runs.run import Run
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape

FILE = "matched.json"
_BALANCE = dict.fromkeys(("before", "after"), (None, float))
_CLASS = {"known": int, "refused": str, "differences": {str: _BALANCE}, "pairs": [[str]]}
_SHAPE = {"columns": [str], "classes": {str: _CLASS}}


def match_test(run: Run, columns: Sequence[str]) -> None:
    """Match the test images of each class with the others; write shortcuts/matched.json.

    Of two classes the second is matched with the first.

    Args:
        columns: of `known_columns`.
    """
    records, classes = run.split("test"), run.classes()
    table, images = known_columns(run, records)[[*columns]], records["image"].to_numpy(str)
    found = {}
    for label in classes[-1:] if len(classes) == 2 else classes:
        matched = match((records["label"] == label).to_numpy(), table, run.recipe().seed)
        found[label] = {
            "known": matched.known,
            "refused": matched.refused,
            "differences": {
                name: {"before": before, "after": after}
                for name, (before, after) in matched.differences.items()
            },
            "pairs": images[matched.pairs].tolist(),
        }
    write_json(run.shortcuts / FILE, {"columns": [*columns], "classes": found})


def matched_scores(run: Run, predictions: Predictions) -> dict | None:
    """Return the AUC of each class on its pairs, as in metrics.json; None if nothing was matched.

    Args:
        predictions: of the test images.

    Raises:
        InputError: the file is damaged.
    """
    file = run.shortcuts / FILE
    if not file.exists():
        return None
    matched = read_json(file)
    check_shape(matched, _SHAPE, str(file))
    classes = {
        label: _score(found, predictions, predictions.classes.index(label))
        for label, found in matched["classes"].items()
        if label in predictions.classes
    }
    return {"columns": matched["columns"], "classes": classes}


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
    scores = predictions.probabilities[:, k]
    return auc_estimate(predictions.labels == k, scores, predictions.clusters).entry(
        predictions.unit
    )
