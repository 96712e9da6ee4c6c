"""What a run's maps are worth: their scores against masks or boxes of the disease."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.explain.reference_maps import reference_maps
from covid_keras.explain.regions import Region, find_regions
from covid_keras.explain.run_figures import normalised
from covid_keras.metrics.localisation import (
    THRESHOLDS,
    compared_with_centre,
    image_scores,
    ious_at_thresholds,
)
from covid_keras.runs.inference import Trained
from covid_keras.utils.errors import InputError

CHUNK = 64
"""Images in memory at once."""
MakeMaps = Callable[[np.ndarray, list[int]], np.ndarray]
"""(normalised images (n, H, W, 3), a class for each) -> maps (n, H, W), not negative."""


@dataclass(frozen=True)
class Part:
    """Some images of a set, as the network sees them; only those with a region in sight."""

    start: int
    """Number of the first among all images that have a mask."""
    pixels: np.ndarray
    """(n, H, W) uint8."""
    images: np.ndarray
    """(n, H, W, 3), normalised."""
    labels: list[int]
    """The true class of each."""
    patients: list[str]
    """"" where unknown."""
    regions: np.ndarray
    """(n, H, W) bool: the disease."""
    lungs: np.ndarray | None
    """The same of the lungs; None if they are not known."""


def score_maps(
    trained: Trained,
    records: pd.DataFrame,
    root: Path,
    masks: Path,
    makers: Mapping[str, MakeMaps],
    lungs: Path | None = None,
) -> dict:
    """Score maps of the true class, and reference maps, on the images that have a mask.

    The threshold of `miou_val` is the one with the largest mIoU on the records of val.

    Args:
        records: of one set, and of val if it has masks; the column split tells them apart.
        root: The folder that their paths are relative to.
        masks: Of the disease: a folder or a CSV, see `find_regions`.
        makers: {method: how its maps are made}.
        lungs: Folder with masks of the lungs, one more reference; only images that have one count.

    Returns:
        images, patients (None where an id is missing), val_images, area (the mean share of an
        image that is inside), and maps {name: {score: entry}}, see `compared_with_centre`.

    Raises:
        InputError: No image of the set has a mask, or a file cannot be read.
    """
    regions = find_regions(records["image"].tolist(), masks)
    lung = find_regions(records["image"].tolist(), lungs) if lungs else [None] * len(records)
    found = [bool(r and (each or not lungs)) for r, each in zip(regions, lung, strict=True)]
    table = records.assign(region=regions, lung=lung)[found]
    is_val = table["split"].eq("val") & records["split"].ne("val").any()
    thresholds, val_images = _tuned(trained, table[is_val], root, makers)
    scores, patients, area = _scored(trained, table[~is_val], root, makers, thresholds)
    if not patients:
        raise InputError(f"{masks}: expected masks of images of the set, not empty. Received: none")
    known = all(patients)
    clusters = np.unique(patients, return_inverse=True)[1] if known else np.arange(len(patients))
    return {
        "images": len(patients),
        "patients": len(set(patients)) if known else None,
        "val_images": val_images,
        "area": float(np.mean(area)),
        "maps": compared_with_centre(scores, clusters, "patient" if known else "image"),
    }


def _tuned(
    trained: Trained, table: pd.DataFrame, root: Path, makers: Mapping[str, MakeMaps]
) -> tuple[dict[str, float], int]:
    """Return {map: threshold with the largest mIoU}, and the number of images; {} without any."""
    found: dict[str, list[np.ndarray]] = {}
    for part in _parts(trained, table, root):
        for name, maps in _all_maps(part, trained, makers).items():
            found.setdefault(name, []).append(ious_at_thresholds(maps, part.regions))
    tables = {name: np.concatenate(parts) for name, parts in found.items()}
    best = {name: float(THRESHOLDS[t.mean(axis=0).argmax()]) for name, t in tables.items()}
    return best, max((len(t) for t in tables.values()), default=0)


def _scored(
    trained: Trained,
    table: pd.DataFrame,
    root: Path,
    makers: Mapping[str, MakeMaps],
    thresholds: Mapping[str, float],
) -> tuple[dict[str, dict[str, np.ndarray]], list[str], list[float]]:
    """Return {map: {score: (N,)}}, and of each image its patient and the share inside."""
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    patients, area = [], []
    for part in _parts(trained, table, root):
        patients += part.patients
        area += part.regions.mean(axis=(1, 2)).tolist()
        for name, maps in _all_maps(part, trained, makers).items():
            scores = image_scores(maps, part.regions, thresholds.get(name))
            found.setdefault(name, []).append(scores)
    joined = {
        name: {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        for name, parts in found.items()
    }
    return joined, patients, area


def _all_maps(
    part: Part, trained: Trained, makers: Mapping[str, MakeMaps]
) -> dict[str, np.ndarray]:
    made = {name: make(part.images, part.labels) for name, make in makers.items()}
    return made | reference_maps(part.pixels, [trained.recipe.seed, part.start], part.lungs)


def _parts(trained: Trained, table: pd.DataFrame, root: Path) -> Iterator[Part]:
    """Yield the images of records that have the columns region and lung."""
    for start in range(0, len(table), CHUNK):
        rows = table.iloc[start : start + CHUNK]
        samples = trained.samples(rows, root)
        files = [*zip(rows["region"], rows["lung"], strict=True)]
        layered = replace(samples, transform=_layers(files))
        layers = np.stack([layered.read(index) for index in range(len(rows))])
        seen = (layers[:, 1] > 127).any(axis=(1, 2))
        if seen.any():
            pixels, region, lung = layers[seen].swapaxes(0, 1)
            yield Part(
                start=start,
                pixels=pixels,
                images=normalised(trained.preprocessing, pixels[..., None]),
                labels=samples.labels[seen].tolist(),
                patients=rows["patient"][seen].tolist(),
                regions=region > 127,
                lungs=lung > 127 if files[0][1] else None,
            )


def _layers(files: list[tuple[Region, Region | None]]) -> Callable:
    """Return a transform of samples: the image, its region and its lungs, (3, H, W) uint8."""

    def transform(index: int, image: np.ndarray, fit: Callable) -> np.ndarray:
        region, lung = files[index]
        inside = [each(image.shape) if each else np.zeros_like(image) for each in (region, lung)]
        return np.stack([fit(image), *map(fit, inside)])

    return transform
