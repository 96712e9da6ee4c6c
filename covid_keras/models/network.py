"""What a row of the table of networks holds. Imports neither Keras nor TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preprocessing:
    """How a grey uint8 image becomes the network's input: equal channels, (x - offset) / scale."""

    name: str
    scale: tuple[float, float, float]
    """One number a channel, in the order in which the network takes its channels."""
    offset: tuple[float, float, float]
    order: str = "RGB"
    """Order of the channels, for photographs; grey images have three equal ones."""


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
"""By the names of keras.applications ("tf", "torch", "caffe"): to [-1, 1]; by the mean and
standard deviation of ImageNet; less the mean, as Caffe. "caffe-whole" has the mean in whole
numbers, "unit" is [0, 1], the convention of TensorFlow Hub."""


@dataclass(frozen=True)
class Weights:
    """One published set of first weights."""

    address: str
    source: str
    """What it was trained on."""
    licence: str
    citation: str
    checksum: str | None = None
    """"md5:..." or "sha256:...", or its first digits; None where the publisher gives none."""
    instead: str = ""
    """What to do where the address cannot be had."""


@dataclass(frozen=True)
class Network:
    """A row of the table."""

    name: str
    family: str
    """Module of `covid_keras.models` whose `backbone(name, input_shape)` builds it."""
    input_size: tuple[int, int]
    """Height and width in pixels in the paper that is reproduced; the network takes any."""
    preprocessing: Preprocessing
    """What the published weights expect, where they do not say otherwise."""
    parameters: int
    """Trainable parameters with a head of one output."""
    features: int
    """Channels of the last feature map."""
    stages: tuple[str, ...]
    """Last layer of the stem and of each stage; freezing up to one freezes all that leads to it."""
    weights: Mapping[str, Weights] = field(default_factory=dict)
    file_preprocessing: Mapping[str, str] = field(default_factory=dict)
    """{suffix: name in `PREPROCESSING`} of local weights files; the first that fits counts."""
    gradcam_layer: str = "features"
    """Last feature map, after the final activation; "" where there is only a vector."""
    note: str = ""
    """Where the network differs from the paper's by design."""

    @property
    def freezes(self) -> tuple[str, ...]:
        """What `model.freeze` takes: nothing, up to the stem or a stage, or the whole backbone."""
        stages = (f"stage{number}" for number in range(1, len(self.stages)))
        return ("", *(("stem", *stages) if self.stages else ()), "backbone")
