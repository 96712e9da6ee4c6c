"""The methods that map the evidence for a class; imports neither Keras nor TensorFlow."""

from dataclasses import dataclass

from covid_keras.utils.errors import InputError
from covid_keras.utils.text import near_misses


@dataclass(frozen=True)
class MapMethod:
    """A method that makes maps."""

    title: str
    citation: str
    features: bool
    """Whether it needs a feature map of the network."""
    module: str
    """In `covid_keras.explain.methods`: its function `maps` makes them."""


METHODS = {
    "gradcam": MapMethod("Grad-CAM", "Selvaraju et al. 2017", True, "gradcam"),
    "gradcam++": MapMethod("Grad-CAM++", "Chattopadhay et al. 2018", True, "gradcam_plus_plus"),
    "layercam": MapMethod("Layer-CAM", "Jiang et al. 2021", True, "layercam"),
    "scorecam": MapMethod("Score-CAM", "Wang et al. 2020", True, "scorecam"),
    "occlusion": MapMethod("Occlusion", "Zeiler and Fergus 2014", False, "occlusion"),
    "integrated-gradients": MapMethod(
        "Integrated gradients", "Sundararajan et al. 2017", False, "integrated_gradients"
    ),
    "smoothgrad": MapMethod("SmoothGrad", "Smilkov et al. 2017", False, "smoothgrad"),
}
"""{name: method}; the first is the default."""


def map_method(name: str) -> MapMethod:
    """Return the method `name`. Raises InputError if it is unknown."""
    if name not in METHODS:
        raise InputError(f"method {name!r} is unknown; {near_misses(name, METHODS)}")
    return METHODS[name]
