"""The table of networks as text, for `covid-keras models`. Needs neither Keras nor TensorFlow."""

from covid_keras.models.zoo import NETWORKS


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
