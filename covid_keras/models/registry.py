"""The table of networks: what each takes, how large it is, and where its weights come from.

Imports neither Keras nor TensorFlow, so that `covid-keras models` answers at once.
"""

import importlib
from types import ModuleType

from covid_keras.models.network import PREPROCESSING, Network, Preprocessing
from covid_keras.models.rows import applications, bit, torchvision
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses

RANDOM = ("", "random")
"""Names of "no first weights", beside None."""

HUB = "hub:"
"""What the name of a TensorFlow Hub network starts with."""

NO_FEATURE_MAP = "no Grad-CAM: {} gives a vector, not a feature map"

NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (*bit.NETWORKS, *torchvision.NETWORKS, *applications.NETWORKS)
}


_REGISTERED: dict[str, tuple[Network, ModuleType]] = {}


def register(network: Network, family: ModuleType) -> None:
    """Add a network of your own, for this process; recipes then name it in `model.name`.

    Args:
        network: its row.
        family: the module that builds it: `backbone(name, input_shape)` returns a flat functional
            graph from images to the layer "features"; `original_head(features, classes,
            activation, dropout)`, for `model.head=original`, is optional.
    """
    _REGISTERED[network.name] = network, family


def get(name: str) -> Network:
    """The row of `name`. Raises InputError, with the near misses, where there is none.

    A name that starts with "hub:" gets a row of its own, in which parameters and features are 0:
    they are known once the module is loaded.
    """
    if name in _REGISTERED:
        return _REGISTERED[name][0]
    if name.startswith(HUB):
        return Network(
            name=name,
            family="hub",
            input_size=(224, 224),
            preprocessing=PREPROCESSING["unit"],
            parameters=0,
            features=0,
            stages=(),
            gradcam_layer="",
        )
    if name not in NETWORKS:
        raise InputError(f"network {name!r} is unknown; {near_misses(name, NETWORKS)}")
    return NETWORKS[name]


def preprocessing(name: str, weights: str | None = None, chosen: str = "") -> Preprocessing:
    """What the network `name` is to get: `chosen`, else what `weights` (a name or file) expect.

    Raises InputError for an unknown network.
    """
    network = get(name)
    if chosen:
        return PREPROCESSING[chosen]
    suffixes = network.file_preprocessing
    chosen = next((suffixes[end] for end in suffixes if (weights or "").endswith(end)), "")
    return PREPROCESSING[chosen] if chosen else network.preprocessing


def family(name: str) -> ModuleType:
    """The module that builds the network `name`; importing it registers the network's layers."""
    if name in _REGISTERED:
        return _REGISTERED[name][1]
    return importlib.import_module(f"covid_keras.models.{get(name).family}")
