"""The table of networks as text, for `covid-keras models`. Needs neither Keras nor TensorFlow."""

import textwrap

from covid_keras.models import registry
from covid_keras.models.network import Network, Weights
from covid_keras.utils.text import text_table


def table() -> str:
    """All networks, one a line."""
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
        for network in registry.NETWORKS.values()
    ]
    lines = [line.rstrip() for line in text_table([header, *rows], "<")]
    lines += [
        "hub:HANDLE          any TensorFlow Hub image feature vector: an address or a folder",
        "",
        "input: width x height in the paper, any is taken; parameters: trainable, with one output",
        "weights: a name, or a local file; * see covid-keras models NAME",
    ]
    return "\n".join(lines)


def card(name: str) -> str:
    """All that the table knows of one network.

    Raises InputError for an unknown name.
    """
    network = registry.get(name)
    numbers = network.preprocessing
    lines = [
        network.name,
        f"  input          {_size(network)} (width x height) in the paper; any size is taken",
        f"  preprocessing  {numbers.name}: (x - {_short(numbers.offset)}) / "
        f"{_short(numbers.scale)}, {numbers.order}",
        f"  parameters     {network.parameters:,} trainable, with a head of one output",
        f"  features       {network.features} channels after the layer "
        f'"{network.gradcam_layer}", which Grad-CAM reads',
        f"  freeze         {', '.join(network.freezes[1:])}",
    ]
    if network.note:
        lines.append(_wrapped("  note           ", network.note))
    for source, weights in network.weights.items():
        lines += ["", *_weights(source, weights, network)]
    return "\n".join(lines)


def _weights(source: str, weights: Weights, network: Network) -> list[str]:
    return [
        f"  weights {source}: {weights.source}; preprocessing {network.preprocessing.name}",
        f"    {weights.address}",
        f"    checksum {weights.checksum or 'not published'}; licence {weights.licence}",
        _wrapped("    ", weights.citation),
    ]


def _size(network: Network) -> str:
    height, width = network.input_size
    return f"{width}x{height}"


def _short(numbers: tuple[float, ...]) -> str:
    same = len(set(numbers)) == 1
    return f"{numbers[0]:g}" if same else f"[{', '.join(f'{n:g}' for n in numbers)}]"


def _wrapped(start: str, text: str) -> str:
    return textwrap.fill(
        text, 98, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
    )
