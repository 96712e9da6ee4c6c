"""TensorFlow Hub: "hub:HANDLE" is any image feature vector, as one Keras layer that trains.

The module of HANDLE (see `hub_module.resolve`) is called as the Reusable SavedModel API says
(tensorflow.org/hub/reusable_saved_models), with images in [0, 1]; BiT's modules turn these into
[-1, 1] themselves (google-research/big_transfer, issue 16). TensorFlow backend only.
(`tensorflow_hub.KerasLayer` needs Keras 2, and Keras' `TFSMLayer` does not train.)
"""

from __future__ import annotations

from covid_keras.models.lazy import hub_layer, keras
from covid_keras.models.network import PREPROCESSING, Network

PREFIX = "hub:"
"""Start of the names of TensorFlow Hub networks."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """Build the module of `name`, "hub:HANDLE", as the layer "features".

    Input: (B, H, W, 3) in [0, 1]. Output: (B, D), also float32 under mixed precision.

    Raises:
        InputError: the module cannot be found, fetched or read; it is not a TF2 image feature
            vector or takes images of another size; the backend is not TensorFlow.
    """
    inputs = keras.Input(input_shape, name="image")
    features = hub_layer.HubLayer(name.removeprefix(PREFIX), name="features")(inputs)
    return keras.Model(inputs, features, name="hub")


def network(name: str) -> Network:
    """Return the row of `name`, "hub:HANDLE".

    Parameters and features are 0: they are known once the module is loaded. Weights are the
    module's own, or those of a .keras or .weights.h5 file of this package.
    """
    return Network(
        name=name,
        build=backbone,
        input_size=(224, 224),
        preprocessing=PREPROCESSING["unit"],
        parameters=0,
        features=0,
        stages=(),
        gradcam_layer="",
    )
