"""Test images to look at: right, wrong and doubtful ones, each beside its map."""

import cv2
import numpy as np

from covid_keras.datasets.records import evenly_spaced
from covid_keras.explain.explained import explain_samples
from covid_keras.explain.maps import Explainer
from covid_keras.figures.overlay import blended
from covid_keras.metrics.predictions import Predictions
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.explained import Case, write_cases
from covid_keras.runs.inference import Trained
from covid_keras.runs.predictions_file import read_predictions
from covid_keras.runs.run import Run

SIDE = 256
"""Pixels of the longer side of an image at most."""
COUNT = {"wrong": 3, "doubtful": 2, "right": 2}
"""{kind: images of each class at most}."""


def keep_cases(run: Run, trained: Trained, explainer: Explainer | None) -> None:
    """Write the cases of the test split for the page; nothing if it was not predicted.

    Args:
        explainer: makes the maps beside the images; None where the network has none.
    """
    if not run.predictions_file("test").exists():
        return
    predictions = read_predictions(run.predictions_file("test"))
    samples = trained.samples(run.split("test"), run.data_root())
    places = {image: place for place, image in enumerate(samples.images)}
    chosen = choose(predictions)
    rows = [row for _, row in chosen]
    indices = [places[predictions.table["image"].iloc[row]] for row in rows]
    overlays = _overlays(trained, samples, indices, explainer) if explainer and indices else {}
    cases, pictures = [], []
    for number, ((kind, row), index) in enumerate(zip(chosen, indices, strict=True), 1):
        image = cv2.cvtColor(samples.read(index), cv2.COLOR_GRAY2RGB)
        has_map = index in overlays
        pictures.append(small(np.hstack([image, overlays[index]]) if has_map else image))
        cases.append(
            Case(
                kind=kind,
                label=predictions.classes[predictions.labels[row]],
                predicted=predictions.classes[predictions.predicted[row]],
                probability=float(predictions.probabilities[row].max()),
                row=row + 1,
                file=f"case_{number}.webp",
                has_map=has_map,
            )
        )
    write_cases(run, cases, pictures)


def choose(predictions: Predictions) -> list[tuple[str, int]]:
    """Return (kind, row) of the cases: of each true class the most confident wrong images, the
    least confident others, and right ones evenly spaced from the most to the least confident."""
    confidence, right = (
        predictions.probabilities.max(axis=1),
        predictions.predicted == predictions.labels,
    )
    found = []
    for label in range(len(predictions.classes)):
        rows = np.flatnonzero(predictions.labels == label)
        rows = rows[np.argsort(-confidence[rows], kind="stable")]
        wrong = rows[~right[rows]][: COUNT["wrong"]]
        rest = rows[~np.isin(rows, wrong)]
        doubtful = rest[::-1][: COUNT["doubtful"]]
        others = rest[right[rest] & ~np.isin(rest, doubtful)]
        even = others[evenly_spaced(len(others), COUNT["right"])]
        kinds = (("wrong", wrong), ("doubtful", doubtful), ("right", even))
        found += [(kind, int(row)) for kind, some in kinds for row in some]
    return sorted(found, key=lambda case: [*COUNT].index(case[0]))


def small(image: np.ndarray) -> np.ndarray:
    """Return an image, or two side by side, made smaller to at most `SIDE` pixels in height."""
    scale = SIDE / image.shape[0]
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _overlays(
    trained: Trained, samples: Samples, indices: list[int], explainer: Explainer
) -> dict[int, np.ndarray]:
    """Return the images with the map of their predicted class, uint8 (H, W, 3).

    Those of which no class is likely have none.
    """
    found = explain_samples(explainer, trained.preprocessing, samples, indices)
    panels = {each.index: each.panel for each in found}
    shown = {index: panel for index, panel in panels.items() if panel.heat is not None}
    return {index: blended(panel.image, panel.heat) for index, panel in shown.items()}
