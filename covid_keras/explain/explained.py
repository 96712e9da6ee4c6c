"""Samples with their prediction and the map of a class, unless no class is likely."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from matplotlib.figure import Figure

from covid_keras.datasets.dicom_tags import series_and_slice
from covid_keras.explain.maps import Explainer, scaled
from covid_keras.figures.overlay import overlay_figure
from covid_keras.figures.panels import MapPanel
from covid_keras.models.heads import class_probabilities
from covid_keras.models.layers import Normalise
from covid_keras.models.network import Preprocessing
from covid_keras.pipeline.samples import Samples
from covid_keras.utils.files import atomic_path

LIKELY = 0.5
"""A sample has no map where no class has at least this probability."""
AT_ONCE = 16
"""Samples in memory."""


@dataclass(frozen=True)
class Explained:
    """A sample with its prediction, and the map of a class."""

    index: int
    """Of the sample."""
    panel: MapPanel
    shown: str
    """The class that the map is of."""
    raw: np.ndarray | None
    """The map (h, w) float32 in the method's own unit; None where no class is likely."""


def explain_samples(
    explainer: Explainer,
    preprocessing: Preprocessing,
    samples: Samples,
    chosen: Sequence[int],
    class_name: str | None = None,
) -> Iterator[Explained]:
    """Yield the chosen samples with their prediction and the map of a class.

    Args:
        explainer: Of the network.
        preprocessing: How to normalise samples for it.
        samples, chosen: At the network's input size, and indices of them.
        class_name: Whose evidence is mapped; None is the predicted class of each.
    """
    names = [*samples.classes, ""]  # label -1 is unknown
    for start in range(0, len(chosen), AT_ONCE):
        rows = [int(index) for index in chosen[start : start + AT_ONCE]]
        pixels = np.stack([samples.read(index) for index in rows])
        images = normalised(preprocessing, pixels[..., None])
        outputs = class_probabilities(explainer.logits(images))
        outputs = keras.ops.convert_to_numpy(outputs)
        predicted = outputs.argmax(axis=1)
        shown = [samples.classes.index(class_name)] * len(rows) if class_name else predicted
        likely = outputs.max(axis=1) >= LIKELY
        maps = np.zeros(pixels.shape, np.float32)
        if likely.any():
            maps[likely] = explainer.maps(images[likely], np.asarray(shown)[likely])
        heats = scaled(maps)
        for row, index in enumerate(rows):
            panel = MapPanel(
                image=pixels[row],
                heat=heats[row] if likely[row] else None,
                name=Path(samples.images[index]).name,
                true=names[samples.labels[index]],
                predicted=samples.classes[predicted[row]],
                probability=float(outputs[row].max()),
            )
            raw = maps[row] if likely[row] else None
            yield Explained(index, panel, samples.classes[shown[row]], raw)


def normalised(preprocessing: Preprocessing, pixels: np.ndarray) -> np.ndarray:
    """Return samples (B, H, W, 1) of 0 to 255 as the network takes them, (B, H, W, 3)."""
    normalise = Normalise(preprocessing.offset, preprocessing.scale, dtype="float32")
    return keras.ops.convert_to_numpy(normalise(pixels))


def overlay(explained: Explained, title: str, samples: Samples, stamps: Sequence[str]) -> Figure:
    """Draw the map over the whole image, at the image's own size and place.

    Args:
        explained: One of the samples.
        title: The method.
        samples: The records of the samples give the patient.
        stamps: Shown at the top.
    """
    image, undo = samples.whole(explained.index)
    panel = explained.panel
    heat = None if panel.heat is None else undo(panel.heat)
    verdict = f"predicted {panel.predicted} {100 * panel.probability:.1f} %"
    if panel.true:
        verdict += f", true {panel.true}"
    if heat is None:
        verdict += f"; no map: no class reaches {100 * LIKELY:g} %"
    lines = [f"{title} for {explained.shown}", _place(samples, explained.index), verdict]
    return overlay_figure(image, heat, lines, stamps)


def save_raw(explained: Explained, samples: Samples, path: Path) -> None:
    """Write the map as numbers: `path`, .npy, as the method gives it; and as PNG of 16 bits.

    The PNG has the image's own size, and 65535 is the most evidence. Nothing is written where there
    is no map.
    """
    if explained.raw is None:
        return
    with atomic_path(path) as temporary:
        np.save(temporary, explained.raw)
    _, undo = samples.whole(explained.index)
    grey = (65535 * undo(explained.panel.heat)).round().astype(np.uint16)
    with atomic_path(path.with_suffix(".png")) as temporary:
        temporary.write_bytes(cv2.imencode(".png", grey)[1].tobytes())


def file_stem(explained: Explained) -> str:
    """Return the name of the sample's files, without an ending."""
    return f"{explained.index:04}_{Path(explained.panel.name).stem}"


def _place(samples: Samples, index: int) -> str:
    """Return patient, series and slice where they are known, else the file's name."""
    path = samples.root / samples.images[index]
    patient = samples.records["patient"].iloc[index]
    names = ("patient", "series", "slice")
    known = zip(names, (patient, *series_and_slice(path)), strict=True)
    return ", ".join(f"{name} {value}" for name, value in known if value) or path.name
