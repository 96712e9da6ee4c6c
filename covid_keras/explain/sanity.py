"""Sanity of maps: whether they depend on what a network has learnt, and hold under noise.

Layers are given random weights from the output downwards (Adebayo et al. 2018). Maps that stay as
they were do not show what was learnt.
"""

from collections.abc import Iterator

import keras
import numpy as np

from covid_keras.explain.explained import normalised
from covid_keras.explain.maps import Explainer, scaled
from covid_keras.metrics.comparison import difference
from covid_keras.metrics.intervals import Estimate, ratio_estimate
from covid_keras.metrics.map_agreement import rank_correlation, ssim
from covid_keras.pipeline.samples import Samples
from covid_keras.runs.inference import Trained

STAGES = 8
"""At most so many steps from trained to random."""
NOISE = 5.0
"""Standard deviation of the noise that maps should hold under, in grey levels."""
MEASURES = {"ssim": ssim, "rank_correlation": rank_correlation}
"""{how alike maps are: the function}; all from -1 to 1."""


def sanity(
    trained: Trained, samples: Samples, method: str = "gradcam", layer: str | None = None
) -> dict:
    """Return how alike maps are to the network's own after noise, and as its layers become random.

    Args:
        samples: At the network's input size; the maps are of their true class.
        method, layer: See `Explainer`.

    Returns:
        images, patients (None where an id is missing); noise {measure: entry}; layers, a list with
        the name of the lowest layer that is random at this step and {measure: entry}; holds,
        whether noise changes the maps less than random weights in all layers do (None where the
        interval of the difference of the rank correlations holds 0).
    """
    patients = samples.records["patient"].tolist()
    known = all(patients)
    clusters = np.unique(patients if known else samples.images, return_inverse=True)[1]
    unit, labels = "patient" if known else "image", samples.labels.tolist()
    random = np.random.default_rng(trained.recipe.seed)
    pixels = np.stack([samples.read(index) for index in range(len(samples))]).astype(np.float32)
    noisy = np.clip(pixels + random.normal(scale=NOISE, size=pixels.shape), 0, 255)

    def maps(pixels: np.ndarray) -> np.ndarray:
        explainer = Explainer(trained.network, method, layer)
        images = normalised(trained.preprocessing, pixels[..., None])
        return scaled(explainer.maps(images, labels))

    own = maps(pixels)
    stable = _alike(own, maps(noisy), clusters)
    layers = []
    for name in randomised(trained.network, random):
        alike = _alike(own, maps(pixels), clusters)
        layers.append({"layer": name, **_entries(alike, unit)})
    return {
        "images": len(samples),
        "patients": len(set(patients)) if known else None,
        "noise": _entries(stable, unit),
        "layers": layers,
        "holds": _holds(alike["rank_correlation"], stable["rank_correlation"]),
    }


def randomised(network: keras.Model, random: np.random.Generator) -> Iterator[str]:
    """Give the layers random weights, the output first; yield the lowest one's name at each step.

    The first step is the output layer alone; what was random stays so. The weights are the trained
    ones again at the end. Kernels become normal with the deviation that they have; the values of
    vectors, such as those of normalisation, are shuffled.
    """
    trained = network.get_weights()
    layers = [layer for layer in reversed(network.layers) if layer.weights]
    steps = min(STAGES, len(layers)) - 1
    rest = np.array_split(np.arange(1, len(layers)), steps) if steps else []
    try:
        for step in ([0], *rest):
            for number in step:
                layer = layers[number]
                layer.set_weights([_random(each, random) for each in layer.get_weights()])
            yield layers[step[-1]].name
    finally:
        network.set_weights(trained)


def _random(weight: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if weight.ndim < 2:
        return random.permutation(weight) if weight.ndim else weight
    return random.normal(scale=weight.std(), size=weight.shape).astype(weight.dtype)


def agreement(first: np.ndarray, second: np.ndarray, clusters: np.ndarray, unit: str) -> dict:
    """Return {measure: entry} of how alike maps (N, H, W) of two networks are, on average.

    Args:
        clusters: (N,) int, the patient of each image, or the image.
        unit: "patient" or "image".
    """
    return _entries(_alike(first, second, clusters), unit)


def _alike(first: np.ndarray, second: np.ndarray, clusters: np.ndarray) -> dict[str, Estimate]:
    """Return the means of (1 + measure) / 2: intervals are of numbers from 0 to 1."""
    ones = np.ones(len(first))
    return {
        name: ratio_estimate((1 + measure(first, second)) / 2, ones, clusters, "mean")
        for name, measure in MEASURES.items()
    }


def _entries(halves: dict[str, Estimate], unit: str) -> dict[str, dict]:
    entries = {name: half.entry(unit) for name, half in halves.items()}
    return {
        name: entry
        | {key: 2 * v - 1 for key, v in entry.items() if key != "method" and v is not None}
        for name, entry in entries.items()
    }


def _holds(random: Estimate, noise: Estimate) -> bool | None:
    change = difference(random, noise)
    if change.low is None or change.low <= 0 <= change.high:
        return None
    return change.low > 0
