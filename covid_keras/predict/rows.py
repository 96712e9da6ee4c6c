"""The rows of answers: one per image, one per patient and study."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from covid_keras.metrics.point import scaled
from covid_keras.predict.entries import Entry
from covid_keras.predict.model import Model
from covid_keras.predict.status import ANSWERED, NOT_ANSWERED, WARNING, is_answered
from covid_keras.utils.text import count, percent

KNOWN = ("image", "patient", "study", "series", "view", "source")
"""Columns of the image rows that say which image it is."""
EVIDENCE = ("run", "version", "stamps", "tests")
"""Columns of every row that say what the answer rests on."""


def image_rows(
    model: Model, entries: Sequence[Entry], outputs: np.ndarray, status: Sequence[str]
) -> pd.DataFrame:
    """Return a row per image: `KNOWN`, status, predicted, a probability per class, `EVIDENCE`.

    Args:
        outputs: float32 (N, K) probabilities of the network, before scaling; NaN without an answer.
        status: of each image, see `covid_keras.predict.status`.
    """
    point = model.point
    table = pd.DataFrame({name: [getattr(e, name) for e in entries] for name in KNOWN}, dtype="str")
    pairs = zip(point.predicted(outputs), status, strict=True)
    names = [model.classes[place] if is_answered(text) else "" for place, text in pairs]
    return _with_answers(table, model, status, names, scaled(outputs, point.temperature))


def patient_rows(
    model: Model, entries: Sequence[Entry], outputs: np.ndarray, status: Sequence[str]
) -> pd.DataFrame:
    """Return a row per patient and study: its images, and scores by the run's patient rule.

    The columns are patient, study, images (answered), not_answered, status, predicted, a score per
    class and `EVIDENCE`. Images without a known patient have no row.

    Args:
        outputs, status: as of `image_rows`, of all images.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.patient or entry.study:
            places.setdefault((entry.patient, entry.study), []).append(place)
    scores = np.full((len(places), len(model.classes)), np.nan)
    rows, told, names = [], [], []
    for row, ((patient, study), here) in enumerate(places.items()):
        answered = [place for place in here if is_answered(status[place])]
        rows.append((patient, study, len(answered), len(here) - len(answered)))
        if answered:
            scores[row] = model.point.of_patient(outputs[answered].astype(np.float64))
        names.append(model.classes[scores[row].argmax()] if answered else "")
        told.append(_patient_status([status[place] for place in here]))
    columns = ["patient", "study", "images", "not_answered"]
    return _with_answers(pd.DataFrame(rows, columns=columns), model, told, names, scores)


def _patient_status(status: Sequence[str]) -> str:
    """Return the status of a patient whose images have these."""
    if answered := [text for text in status if is_answered(text)]:
        warned = sum(WARNING in text for text in answered)
        told = f"{WARNING}of {warned} of {count(len(answered), 'image')}"
        return ANSWERED + (told if warned else "")
    first, number = Counter(status).most_common(1)[0]
    reason = first.removeprefix(NOT_ANSWERED)
    return f"{NOT_ANSWERED}none of {count(len(status), 'image')}; {number} x {reason}"


def _with_answers(
    table: pd.DataFrame, model: Model, status: list, predicted: list, numbers: np.ndarray
) -> pd.DataFrame:
    """Add status, predicted class, a float32 column per class, and the evidence."""
    evidence = model.evidence
    answers = {"status": status, "predicted": predicted}
    table = table.assign(**{name: pd.Series(cells, dtype="str") for name, cells in answers.items()})
    numbers = pd.DataFrame(numbers.astype(np.float32), columns=list(model.classes))
    stamps = " · ".join(model.stamps)
    told = (evidence.run_id, evidence.version, stamps, _tests_text(evidence.tests))
    known = dict(zip(EVIDENCE, ([text] * len(table) for text in told), strict=True))
    return pd.concat([table, numbers, pd.DataFrame(known, dtype="str")], axis=1)


def _tests_text(tests: Sequence[Mapping]) -> str:
    """Return the results of test and external sets in one line; what was not done is said."""
    sets: dict[str, list[str]] = {}
    for test in tests:
        value, low, high = (test[key] for key in ("value", "low", "high"))
        numbers = "undefined" if value is None else f"{percent(value)} %"
        numbers += "" if low is None else f" [{percent(low)}, {percent(high)}]"
        known = sets.setdefault(test["set"], [count(test["images"], "image")])
        known.append(f"{test['metric'].replace('_', ' ')} {numbers}")
    told = [f"{name}: {', '.join(texts)}" for name, texts in sets.items()]
    missing = [] if "test" in sets else ["test: not measured"]
    return "; ".join([*missing, *told, *([] if set(sets) - {"test"} else ["no external test"])])
