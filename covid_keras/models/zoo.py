"""The table of networks: what each takes, how large it is, and where its weights come from.

Imports neither Keras nor TensorFlow, so that `covid-keras models` answers at once.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from covid_keras.errors import InputError


@dataclass(frozen=True)
class Preprocessing:
    """How a grey uint8 image becomes the network's input: equal channels, (x - offset) / scale."""

    scale: tuple[float, ...]
    """One number a channel, in the order in which the network takes its channels."""
    offset: tuple[float, ...]
    channels: int = 3


@dataclass(frozen=True)
class Weights:
    """One published set of first weights."""

    address: str
    source: str
    """What it was trained on."""
    licence: str
    citation: str
    sha256: str | None = None
    """None where the publisher gives no checksum."""
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
    parameters: int
    """Trainable parameters with a head of one output."""
    features: int
    """Channels of the last feature map."""
    weights: Mapping[str, Weights]
    gradcam_layer: str = "features"


RANDOM = ("", "random")
"""Names of "no first weights", beside None."""

_BIT_BUCKET = "https://storage.googleapis.com/bit_models"
_MAKE_BIT_M_C = "or make it from bit-m and CIFAR-10 with experiments/make_bit_m_c.py"
_BIT_CITATION = "Kolesnikov et al., Big Transfer (BiT), ECCV 2020, arXiv:1912.11370"
# The CIFAR-10 file is not in big_transfer's README; its PyTorch colab loads it from there.
_BIT_SOURCES = {
    "bit-s": ("BiT-S-{}", "ILSVRC-2012"),
    "bit-m": ("BiT-M-{}", "ImageNet-21k"),
    "bit-m-ilsvrc2012": ("BiT-M-{}-ILSVRC2012", "ImageNet-21k, then ILSVRC-2012 (BiT-M-S)"),
    "bit-m-cifar10": ("BiT-M-{}-CIFAR10", "ImageNet-21k, then CIFAR-10 (BiT-M-C)"),
}


def _bit(size: str, parameters: int, width: int) -> Network:
    return Network(
        name=f"bit_{size.lower()}",
        family="bit",
        input_size=(480, 480),
        preprocessing=Preprocessing(scale=(127.5,) * 3, offset=(127.5,) * 3),
        parameters=parameters,
        features=2048 * width,
        weights={
            name: Weights(
                address=f"{_BIT_BUCKET}/{file.format(size)}.npz",
                source=source,
                licence="Apache-2.0",
                citation=_BIT_CITATION,
                instead=_MAKE_BIT_M_C if name == "bit-m-cifar10" else "",
            )
            for name, (file, source) in _BIT_SOURCES.items()
            if name != "bit-m-cifar10" or size == "R50x1"
        },
    )


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        _bit("R50x1", 23_502_401, width=1),
        _bit("R50x3", 211_180_225, width=3),
        _bit("R101x1", 42_494_529, width=1),
        _bit("R101x3", 381_796_033, width=3),
        _bit("R152x2", 232_242_305, width=2),
        _bit("R152x4", 928_348_417, width=4),
    )
}


def get(name: str) -> Network:
    """The row of `name`. Raises InputError, with the near misses, where there is none."""
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(NETWORKS)}"
        raise InputError(f"network {name!r} is unknown; {hint}")
    return NETWORKS[name]


def table() -> str:
    """The whole table as text, one network a line, for `covid-keras models`."""
    header = ("network", "input", "parameters", "features", "weights")
    rows = [
        (
            network.name,
            f"{network.input_size[1]}x{network.input_size[0]}",
            f"{network.parameters / 1e6:.2f} M",
            str(network.features),
            ", ".join(["random", *network.weights]),
        )
        for network in NETWORKS.values()
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows)]
    lines.append("input: width x height in the paper; parameters: with a head of one output")
    return "\n".join(lines)
