"""What the table of networks holds for each network: preprocessing, weights, shapes, builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from covid_keras.models.weights.layout import Layout

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Preprocessing:
    """How a grey uint8 image becomes the network's input: three channels, (x - offset) / scale."""

    name: str
    scale: tuple[float, float, float]
    """One number per channel, in the order in which the network takes its channels."""
    offset: tuple[float, float, float]
    order: str = "RGB"
    """Order of the channels for colour photographs; grey images have three equal ones."""


PREPROCESSING: dict[str, Preprocessing] = {
    row.name: row
    for row in (
        Preprocessing("tf", scale=(127.5,) * 3, offset=(127.5,) * 3),
        Preprocessing("torch", scale=(58.395, 57.12, 57.375), offset=(123.675, 116.28, 103.53)),
        Preprocessing("caffe", scale=(1.0,) * 3, offset=(103.939, 116.779, 123.68), order="BGR"),
        Preprocessing("caffe-whole", scale=(1.0,) * 3, offset=(104, 117, 123), order="BGR"),
        Preprocessing("unit", scale=(255.0,) * 3, offset=(0.0,) * 3),
    )
}
"""keras.applications' "tf" (to [-1, 1]), "torch" (ImageNet's mean and deviation) and "caffe" (its
mean); "caffe-whole" with the mean in whole numbers; TensorFlow Hub's "unit" (to [0, 1])."""


@dataclass(frozen=True)
class Weights:
    """One published set of pretrained weights."""

    address: str
    source: str
    """The data set it was trained on."""
    licence: str
    citation: str
    checksum: str | None = None
    """"md5:..." or "sha256:...", or its first digits; None if the publisher gives none."""
    instead: str = ""
    """What to do if the address is not available."""


@dataclass(frozen=True)
class Network:
    """One row of the table of networks."""

    name: str
    graph: Callable[[keras.KerasTensor], keras.KerasTensor]
    """From normalised images (B, H, W, 3) to the layer "features" (B, h, w, C); a flat graph."""
    input_size: tuple[int, int]
    """Height and width in pixels in the paper that is reproduced; other sizes work, too."""
    preprocessing: Preprocessing
    """What the published weights expect, unless `file_preprocessing` says otherwise."""
    parameters: int
    """Trainable parameters with a head of one output."""
    features: int
    """Channels of the last feature map."""
    stages: tuple[str, ...]
    """Last layer of the stem and of each stage; freezing a stage freezes all layers before it."""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """{"npz", "h5", "torch" or "savedmodel": tensor names and axes in published files}."""
    weights: Mapping[str, Weights] = field(default_factory=dict)
    file_preprocessing: Mapping[str, str] = field(default_factory=dict)
    """{suffix of local weights files: name in `PREPROCESSING`}; the first match counts."""
    original_head: Callable | None = None
    """The published classifier, with the arguments of the functions in `heads`, if it is not
    `heads.published`."""
    dropout: float = 0.0
    """Rate in the published classifier."""
    smallest: int = 1
    """Sides in pixels that still leave a feature map of 1x1."""
    gradcam_layer: str = "features"
    """Last feature map, after the final activation; "" if the network gives a vector."""
    note: str = ""
    """How the network differs from the paper's by design."""

    @property
    def freezes(self) -> tuple[str, ...]:
        """The values of `model.freeze`: nothing, up to the stem or a stage, or the backbone."""
        stages = (f"stage{number}" for number in range(1, len(self.stages)))
        return ("", *(("stem", *stages) if self.stages else ()), "backbone")
