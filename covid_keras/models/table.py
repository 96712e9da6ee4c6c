"""The table of networks as text, for `covid-keras models`. Needs neither Keras nor TensorFlow."""

import textwrap

from covid_keras.models import registry
from covid_keras.models.network import Network
from covid_keras.utils.text import text_table


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
        for network in registry.NETWORKS.values()
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
    network = registry.get(name)
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
            f"    checksum {weights.checksum or 'not published'}; licence {weights.licence}",
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
