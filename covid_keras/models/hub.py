"""TensorFlow Hub: "hub:HANDLE" is any image feature vector, as one Keras layer that trains.

The module of HANDLE (see `hub_module.resolve`) is called as the Reusable SavedModel API says
(tensorflow.org/hub/reusable_saved_models), with images in [0, 1]; BiT's modules turn these into
[-1, 1] themselves (google-research/big_transfer, issue 16). TensorFlow backend only.
(`tensorflow_hub.KerasLayer` needs Keras 2, and Keras' `TFSMLayer` does not train.)
"""

from functools import partial

from covid_keras.models.lazy import hub_layer
from covid_keras.models.network import PREPROCESSING, Network

PREFIX = "hub:"
"""Start of the names of TensorFlow Hub networks."""


def hub_vector(images, handle: str):
    """Return the vectors of `images` (B, H, W, 3) in [0, 1] by the module: (B, D) float32.

    Raises:
        InputError: the module cannot be found, fetched or read; it is not a TF2 image feature
            vector or takes images of another size; the backend is not TensorFlow.
    """
    return hub_layer.HubLayer(handle, name="features")(images)


def network(name: str) -> Network:
    """Return the row of `name`, "hub:HANDLE".

    Parameters and features are 0: they are known once the module is loaded. Weights are the
    module's own, or those of a .keras or .weights.h5 file of this package.
    """
    return Network(
        name=name,
        graph=partial(hub_vector, handle=name.removeprefix(PREFIX)),
        input_size=(224, 224),
        preprocessing=PREPROCESSING["unit"],
        parameters=0,
        features=0,
        stages=(),
        gradcam_layer="",
    )
