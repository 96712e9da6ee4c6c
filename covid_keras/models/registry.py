"""The table of networks, gathered from the families. Imports neither Keras nor TensorFlow."""

from covid_keras.models import (
    bit,
    densenet,
    hub,
    keras_applications,
    resnet,
    shufflenet,
    squeezenet,
)
from covid_keras.models.network import PREPROCESSING, Network, Preprocessing
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

FAMILIES = (bit, squeezenet, shufflenet, resnet, keras_applications, densenet)

NO_FEATURE_MAP = "no Grad-CAM: {} outputs a vector, not a feature map"

NETWORKS: dict[str, Network] = {row.name: row for family in FAMILIES for row in family.NETWORKS}


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
