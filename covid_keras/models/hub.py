"""TensorFlow Hub: any image feature vector as one Keras layer that trains, saves and exports.

A network "hub:HANDLE" is the module of HANDLE (see `hub_module.resolve`), called as the Reusable
SavedModel API has it (tensorflow.org/hub/reusable_saved_models): with images in [0, 1],
`training` where the module takes it, and `regularization_losses` added to the loss. BiT's modules
take [0, 1] as well, and make [-1, 1] of it inside (google-research/big_transfer, issue 16).
TensorFlow backend only. (`tensorflow_hub.KerasLayer` needs Keras 2, and Keras' `TFSMLayer` does
not train.)
"""

import itertools
import re
import sys

import keras

from covid_keras.models import hub_module
from covid_keras.models.registry import HUB
from covid_keras.utils.errors import InputError

LAYOUTS = {}
"""Weights are the module's own, or those in a .keras or .weights.h5 file of this package."""


def backbone(name: str, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    """The module of `name`, "hub:HANDLE", as the layer "features".

    Input: (B, H, W, 3) in [0, 1]. Output: (B, D), float32 under mixed precision as well.

    Raises:
        InputError: the module cannot be found, fetched or read; it is no TF2 image feature vector
            or takes other images than `input_shape`; the backend is not TensorFlow.
    """
    inputs = keras.Input(input_shape, name="image")
    features = HubLayer(name.removeprefix(HUB), name="features")(inputs)
    return keras.Model(inputs, features, name="hub")


@keras.saving.register_keras_serializable(package="covid_keras")
class HubLayer(keras.layers.Layer):
    """The module of `handle`: (B, H, W, 3) float32 to (B, D) float32.

    The module's own variables are the layer's weights. A module that cannot be trained (see
    `hub_module.Entry`) stays frozen, which is said on stderr. A frozen layer calls the module in
    inference mode, as Keras' batch normalisation does.

    A saved model holds the handle and the weights, not the module's graph: to load it, the module
    has to be in its folder or in the cache. It is not fetched then, because a model file must not
    bring code from elsewhere.

    Raises:
        InputError: see `backbone`.
    """

    def __init__(self, handle: str, **kwargs):
        if keras.backend.backend() != "tensorflow":
            raise InputError(
                f"{HUB}{handle}: expected KERAS_BACKEND=tensorflow, which modules of TensorFlow "
                f"Hub need. Received: {keras.backend.backend()}"
            )
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.supports_jit = False  # XLA takes minutes over a loaded graph
        folder = hub_module.resolve(handle)
        self.handle = hub_module.lasting(handle)
        self._module = hub_module.load(folder)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        title = f"{HUB}{self.handle}"
        self._entry = hub_module.entry(self._module, tuple(input_shape), title)
        names = _variable_names([variable.name for variable in self._entry.variables])
        for variable, name in zip(self._entry.variables, names, strict=True):
            trainable = any(variable is other for other in self._entry.trainable)
            self._track_variable(
                keras.Variable(
                    variable,
                    dtype=variable.dtype.name,
                    trainable=trainable,
                    autocast=False,
                    name=name,
                )
            )
        if not self._entry.trainable:
            print(f"{title}: stays frozen: {self._entry.frozen_because}", file=sys.stderr)

    def call(self, inputs, training: bool = False):
        if not (self.trainable and self._entry.trainable):
            return self._entry.infer(inputs)
        for loss in getattr(self._module, "regularization_losses", ()):
            self.add_loss(loss())
        return self._entry.train(inputs) if training else self._entry.infer(inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), "handle": self.handle}

    @classmethod
    def from_config(cls, config: dict) -> "HubLayer":
        handle = config["handle"]
        if hub_module.local(handle) is None:
            raise InputError(
                f"{HUB}{handle}: the saved model was built on this module, which is not there; "
                f"{hub_module.advice(handle)}"
            )
        return cls(**config)


def _variable_names(names: list[str]) -> list[str]:
    """Keras' names, with neither "/" nor ":", of TensorFlow's: "a/b:0" is "a.b"; all distinct."""
    found = []
    for name in names:
        clean = re.sub(r"[^\w.-]", "_", name.split(":")[0].replace("/", "."))
        numbered = (f"{clean}_{number}" for number in itertools.count(1))
        found.append(next(free for free in itertools.chain([clean], numbered) if free not in found))
    return found
