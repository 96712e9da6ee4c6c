"""What a run's maps are worth: their scores against masks or boxes of the disease."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.datasets.records import evenly_spaced
from covid_keras.explain.maps import Explainer, scaled
from covid_keras.explain.masked_images import Part, parts_of
from covid_keras.explain.reference_maps import reference_maps
from covid_keras.explain.regions import find_regions
from covid_keras.metrics.faithfulness import faithfulness
from covid_keras.metrics.localisation import (
    THRESHOLDS,
    compared_with_centre,
    image_scores,
    ious_at_thresholds,
)
from covid_keras.runs.inference import Trained
from covid_keras.utils.errors import InputError

MakeMaps = Callable[[np.ndarray, list[int]], np.ndarray]
"""(normalised images (n, H, W, 3), a class for each) -> maps (n, H, W), not negative."""


def positive_maps(explainer: Explainer) -> MakeMaps:
    """Return what makes the explainer's maps; their positive evidence, scaled."""
    return lambda images, labels: scaled(explainer.maps(images, labels))


def score_maps(
    trained: Trained,
    records: pd.DataFrame,
    root: Path,
    masks: Path,
    makers: Mapping[str, MakeMaps],
    lungs: Path | None = None,
    faithful: int = 0,
) -> dict:
    """Score maps of the true class, and reference maps, on the images that have a mask.

    The threshold of `miou_val` is the one with the largest mIoU on the records of val.

    Args:
        records: of one set, and of val if it has masks; the column split tells them apart.
        root: The folder that their paths are relative to.
        masks: Of the disease: a folder or a CSV, see `find_regions`.
        makers: {method: how its maps are made}.
        lungs: Folder with masks of the lungs, one more reference; only images that have one count.
        faithful: Images, evenly spaced, to measure the faithfulness on.

    Returns:
        images, patients (None where an id is missing), val_images, area (the mean share of an
        image that is inside), and maps {name: {score: entry}}, see `compared_with_centre`. With
        `faithful` also faithfulness: images, patients and maps.

    Raises:
        InputError: No image of the set has a mask, or a file cannot be read.
    """
    regions = find_regions(records["image"].tolist(), masks)
    lung = find_regions(records["image"].tolist(), lungs) if lungs else [None] * len(records)
    found = [bool(r and (each or not lungs)) for r, each in zip(regions, lung, strict=True)]
    table = records.assign(region=regions, lung=lung)[found]
    is_val = table["split"].eq("val") & records["split"].ne("val").any()
    shown = partial(_scores, trained, root=root, makers=makers)
    tried = shown(table[is_val], score=lambda part, name, maps: _at_thresholds(maps, part.regions))
    best = {name: _best_threshold(scores) for name, scores in tried.scores.items()}
    tested = shown(
        table[~is_val],
        score=lambda part, name, maps: image_scores(maps, part.regions, best.get(name)),
    )
    if not tested.patients:
        raise InputError(f"{masks}: expected masks of images of the set, not empty. Received: none")
    result = tested.summary() | {"val_images": len(tried.patients), "area": tested.area()}
    if faithful:
        some = table[~is_val].iloc[evenly_spaced(int((~is_val).sum()), faithful)]
        rng = np.random.default_rng(trained.recipe.seed)
        measured = shown(some, score=lambda part, name, maps: _faithful(part, maps, trained, rng))
        result["faithfulness"] = measured.summary()
    return result


@dataclass
class Scored:
    """The scores of the images of a set."""

    scores: dict[str, dict[str, np.ndarray]]
    """{map: {score: (N,)}}."""
    patients: list[str]
    """(N,), "" where unknown."""
    areas: list[float]
    """(N,): the share of each image that is inside."""

    def area(self) -> float:
        """Return the mean share inside."""
        return float(np.mean(self.areas))

    def summary(self) -> dict:
        """Return images, patients and maps as maps.json holds them."""
        count, known = len(self.patients), all(self.patients)
        clusters = np.unique(self.patients, return_inverse=True)[1] if known else np.arange(count)
        return {
            "images": count,
            "patients": len(set(self.patients)) if known else None,
            "maps": compared_with_centre(self.scores, clusters, "patient" if known else "image"),
        }


def _scores(
    trained: Trained,
    table: pd.DataFrame,
    root: Path,
    makers: Mapping[str, MakeMaps],
    score: Callable[[Part, str, np.ndarray], dict[str, np.ndarray]],
) -> Scored:
    """Score all maps of all images; `score`: (part, name of the map, maps) -> {score: (n,)}."""
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    patients, areas = [], []
    for part in parts_of(trained, table, root):
        patients += part.patients
        areas += part.regions.mean(axis=(1, 2)).tolist()
        for name, maps in _all_maps(part, trained, makers).items():
            found.setdefault(name, []).append(score(part, name, maps))
    joined = {
        name: {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        for name, parts in found.items()
    }
    return Scored(joined, patients, areas)


def _at_thresholds(maps: np.ndarray, regions: np.ndarray) -> dict[str, np.ndarray]:
    return {"ious": ious_at_thresholds(maps, regions)}


def _best_threshold(scores: Mapping[str, np.ndarray]) -> float:
    return float(THRESHOLDS[scores["ious"].mean(axis=0).argmax()])


def _faithful(
    part: Part, maps: np.ndarray, trained: Trained, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return {score of `FAITHFULNESS`: (n,)} of maps (n, H, W)."""

    def predict(label: int, images: np.ndarray) -> np.ndarray:
        samples = np.clip(images.round(), 0, 255).astype(np.uint8)[..., None]
        return trained.probability_model.predict_on_batch(samples)[:, label]

    each = [
        faithfulness(image, heat, partial(predict, label), rng)
        for image, heat, label in zip(part.pixels, maps, part.labels, strict=True)
    ]
    return {key: np.array([scores[key] for scores in each]) for key in each[0]}


def _all_maps(
    part: Part, trained: Trained, makers: Mapping[str, MakeMaps]
) -> dict[str, np.ndarray]:
    made = {name: make(part.images, part.labels) for name, make in makers.items()}
    return made | reference_maps(part.pixels, [trained.recipe.seed, part.start], part.lungs)
