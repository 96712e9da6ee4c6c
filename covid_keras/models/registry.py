"""The table of networks, gathered from the families, and its text for `covid-keras models`.

Imports neither Keras nor TensorFlow.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from covid_keras.models import bit, hub, keras_applications, resnet, shufflenet, squeezenet
from covid_keras.models.network import PREPROCESSING, Network, Preprocessing
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses, text_table

if TYPE_CHECKING:
    import keras

FAMILIES = (bit, squeezenet, shufflenet, resnet, keras_applications)

NO_FEATURE_MAP = "no class activation map: {} outputs a vector, not a feature map"
ONE_PIXEL = (
    "no class activation map: the last feature map of {} is one pixel at {} x {}; give larger"
    " images"
)

NETWORKS: dict[str, Network] = {row.name: row for family in FAMILIES for row in family.NETWORKS}

FIRST_TRUSTED = "not published: a later file must equal the first download"


def list_models() -> list[str]:
    """Return the names of all networks, in the order of the table.

    Example:
        >>> covid_keras.list_models()[:2]
        ['bit_r50x1', 'bit_r50x3']
    """
    return list(NETWORKS)


_REGISTERED: dict[str, Network] = {}


def register(network: Network) -> None:
    """Add a network of your own for this process, so that recipes can name it in `model.name`.

    Give each of its layers a name: weights files are matched by layer names.
    """
    _REGISTERED[network.name] = network


def get(name: str) -> Network:
    """Return the row of the network `name`; "hub:HANDLE" gets a row of its own.

    Raises:
        InputError: an unknown name; the message suggests similar ones.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name.startswith(hub.PREFIX):
        return hub.network(name)
    if name not in NETWORKS:
        raise InputError(f"network {name!r} is unknown; {near_misses(name, NETWORKS)}")
    return NETWORKS[name]


def why_no_feature_map(name: str, network: keras.Model) -> str:
    """Return why `network`, built from the row `name`, has no feature map to show; "" if it has."""
    layer = get(name).gradcam_layer
    if not layer:
        return NO_FEATURE_MAP.format(name)
    if tuple(network.get_layer(layer).output.shape[1:3]) == (1, 1):
        return ONE_PIXEL.format(name, *network.input_shape[1:3])
    return ""


def preprocessing(name: str, weights: str | None = None, chosen: str = "") -> Preprocessing:
    """Return the preprocessing `chosen` in `PREPROCESSING`, else what the weights expect.

    Args:
        name: a network; an InputError if it is unknown.
        weights: a name of pretrained weights or a file, whose suffix decides.
    """
    network = get(name)
    if not chosen:
        suffixes = network.file_preprocessing
        chosen = next((suffixes[end] for end in suffixes if (weights or "").endswith(end)), "")
    return PREPROCESSING[chosen] if chosen else network.preprocessing


def table() -> str:
    """Return the table of all networks, one per line."""
    header = ("network", "input", "preprocessing", "parameters", "features", "weights")
    rows = [
        (
            network.name,
            _size(network),
            network.preprocessing.name,
            f"{network.parameters / 1e6:.2f} M" + ("*" if network.note else ""),
            str(network.features),
            ", ".join(["random", *network.weights]),
        )
        for network in NETWORKS.values()
    ]
    lines = [line.rstrip() for line in text_table([header, *rows], "<")]
    lines += [
        "hub:HANDLE          any TensorFlow Hub image feature vector: an address or a folder",
        "",
        "input: width x height in the paper (other sizes work, too)",
        "parameters: trainable, with one output; * differs from the paper, see models NAME",
        "weights: a name from this table, or a local file",
    ]
    return "\n".join(lines)


def card(name: str) -> str:
    """Return everything that the table holds on the network `name`; raise InputError if unknown."""
    network = get(name)
    numbers = network.preprocessing
    lines = [
        network.name,
        f"  input          {_size(network)} (width x height) in the paper; other sizes work, too",
        f"  preprocessing  {numbers.name}: (x - {_short(numbers.offset)}) / "
        f"{_short(numbers.scale)}, {numbers.order}",
        f"  parameters     {network.parameters:,} trainable, with a head of one output",
        f'  features       {network.features} channels, layer "{network.gradcam_layer}"',
        f"  freeze         {', '.join(network.freezes[1:])}",
    ]
    if network.note:
        lines.append(_wrapped("  note           ", network.note))
    for source, weights in network.weights.items():
        lines += [
            "",
            f"  weights {source}: {weights.source}; preprocessing {network.preprocessing.name}",
            f"    {weights.address}",
            f"    checksum {weights.checksum or FIRST_TRUSTED}; licence {weights.licence}",
            _wrapped("    ", weights.citation),
        ]
    return "\n".join(lines)


def _size(network: Network) -> str:
    height, width = network.input_size
    return f"{width}x{height}"


def _short(numbers: tuple[float, ...]) -> str:
    """Return one number if all are equal, else the list."""
    texts = [f"{number:g}" for number in numbers]
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def _wrapped(start: str, text: str) -> str:
    return textwrap.fill(
        text, 98, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
    )
