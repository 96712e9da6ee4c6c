"""How well maps find a region: scores of each image, and their means with intervals by patient.

Hit rate and mIoU as CheXlocalize defines them (Saporta et al. 2022), average precision as Arun et
al. (2021), mass as the energy-based pointing game (Wang et al. 2020).
"""

from collections.abc import Mapping

import cv2
import numpy as np

from covid_keras.metrics.comparison import difference
from covid_keras.metrics.intervals import Estimate, ratio_estimate

SCORES = {
    "average_precision": "average precision",
    "hit_rate": "hit rate",
    "mass": "mass inside",
    "miou_otsu": "mIoU, Otsu's threshold",
    "miou_val": "mIoU, val's threshold",
}
"""{score of a map against a region: what it is called}."""
CENTRE = "centre"
"""The reference map that all maps are compared with."""
THRESHOLDS = np.linspace(0.05, 0.95, 19)
"""What is tried on val; as fractions of a map's range."""


def image_scores(
    maps: np.ndarray, regions: np.ndarray, threshold: float | None = None
) -> dict[str, np.ndarray]:
    """Return {score of `SCORES`: (N,) of each image}; `miou_val` only with a threshold.

    A map without any evidence, all zeros, scores as one that is the same everywhere.

    Args:
        maps: (N, H, W) float, not negative.
        regions: (N, H, W) bool, each with pixels inside.
        threshold: in [0, 1], of the maps scaled to their range.

    Example:
        >>> import numpy as np
        >>> one = np.eye(3)[None]
        >>> image_scores(one, one > 0)["average_precision"]
        array([1.])
    """
    scores = {
        "average_precision": average_precisions(maps, regions),
        "hit_rate": hits(maps, regions),
        "mass": mass_inside(maps, regions),
        "miou_otsu": ious(otsu_segments(maps), regions),
    }
    if threshold is not None:
        scores["miou_val"] = ious(scaled(maps) > threshold, regions)
    return scores


def hits(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the pointing game of each image (N,): 1 if the map's maximum is inside, else 0.

    Of several maximal pixels, the share that is inside.
    """
    best = maps == maps.max(axis=(1, 2), keepdims=True)
    return (best & regions).sum(axis=(1, 2)) / best.sum(axis=(1, 2))


def average_precisions(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the area under the precision-recall curve of each image's pixels (N,)."""
    from sklearn.metrics import average_precision_score  # slow to import, like SciPy's statistics

    pairs = zip(regions, maps, strict=True)
    return np.array([average_precision_score(r.ravel(), m.ravel()) for r, m in pairs])


def mass_inside(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the share of each map's sum that is inside the region (N,)."""
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    flat[flat.sum(axis=1) == 0] = 1
    return (flat * regions.reshape(flat.shape)).sum(axis=1) / flat.sum(axis=1)


def otsu_segments(maps: np.ndarray) -> np.ndarray:
    """Return the pixels above Otsu's threshold of each map, bool (N, H, W)."""
    bytes_ = (255 * scaled(maps)).astype(np.uint8)
    return np.stack([cv2.threshold(each, 0, 1, cv2.THRESH_OTSU)[1] for each in bytes_]) > 0


def ious(segments: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return intersection over union of bool (N, H, W) each, (N,); 0 of an empty segment."""
    both, either = (segments & regions, segments | regions)
    return both.sum(axis=(1, 2)) / either.sum(axis=(1, 2))


def ious_at_thresholds(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the IoU of each image at each of `THRESHOLDS`, (N, T)."""
    shares = scaled(maps)
    return np.stack([ious(shares > threshold, regions) for threshold in THRESHOLDS], axis=1)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Return the maps with each one's least value at 0 and largest at 1; 0 if they are equal."""
    least = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - least
    return (maps - least) / np.where(span > 0, span, 1)


def mean_scores(scores: Mapping[str, np.ndarray], clusters: np.ndarray) -> dict[str, Estimate]:
    """Return the mean over the images of each score, with its interval by cluster (N,) int."""
    kinds = {"hit_rate": "proportion"}
    return {
        name: ratio_estimate(values, np.ones(len(values)), clusters, kinds.get(name, "mean"))
        for name, values in scores.items()
    }


def compared_with_centre(
    scores: Mapping[str, Mapping[str, np.ndarray]], clusters: np.ndarray, unit: str
) -> dict[str, dict[str, dict]]:
    """Return {map: {score: {value, low, high, method, lead, lead_low, lead_high}}}.

    Args:
        scores: {map: {score: (N,)}}, the map `CENTRE` among them.
        clusters: (N,) int, the patient of each image, or the image.
        unit: "patient" or "image".

    `lead` is the map's mean minus the centre's, with a paired interval.
    """
    means = {name: mean_scores(each, clusters) for name, each in scores.items()}
    return {
        name: {
            key: mean.entry(unit)
            | difference(means[CENTRE][key], mean, same=name == CENTRE).entry("lead")
            for key, mean in each.items()
        }
        for name, each in means.items()
    }
