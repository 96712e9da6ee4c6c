"""The Keras layer that holds a TensorFlow Hub module and trains its variables."""

import itertools
import re
import sys

import keras

from covid_keras.models import hub_module
from covid_keras.utils.errors import InputError


@keras.saving.register_keras_serializable(package="covid_keras")
class HubLayer(keras.layers.Layer):
    """The module of `handle`: images (B, H, W, 3) float32 to vectors (B, D) float32.

    The module's own variables are the layer's weights, and its `regularization_losses` are added
    to the loss. A module that cannot be trained (see `hub_module.Entry`) stays frozen, with a line
    on stderr. A frozen layer runs the module in inference mode, as Keras' batch normalisation.

    A saved model holds the handle and the weights, not the module's graph: loading it needs the
    module in its folder or in the cache. It is not downloaded then, because a model file must not
    bring in code from elsewhere.

    Raises:
        InputError: see `hub.hub_vector`.
    """

    def __init__(self, handle: str, **kwargs) -> None:
        if keras.backend.backend() != "tensorflow":
            raise InputError(
                f"hub:{handle}: expected KERAS_BACKEND=tensorflow, which TensorFlow Hub modules "
                f"need. Received: {keras.backend.backend()}"
            )
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.supports_jit = False  # XLA takes minutes for a loaded graph
        folder = hub_module.resolve(handle)
        self.handle = hub_module.lasting(handle)
        self._module = hub_module.load(folder)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        title = f"hub:{self.handle}"
        self._entry = hub_module.entry(self._module, tuple(input_shape), title)
        trainable = {id(variable) for variable in self._entry.trainable}
        names = _variable_names([variable.name for variable in self._entry.variables])
        for variable, name in zip(self._entry.variables, names, strict=True):
            self._track_variable(
                keras.Variable(
                    variable,
                    dtype=variable.dtype.name,
                    trainable=id(variable) in trainable,
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
        hub_module.check_local(config["handle"])
        return cls(**config)


def _variable_names(names: list[str]) -> list[str]:
    """Return distinct names without "/" and ":", as Keras needs them: "a.b" for "a/b:0"."""
    distinct = []
    for name in names:
        clean = re.sub(r"[^\w.-]", "_", name.split(":")[0].replace("/", "."))
        numbered = (f"{clean}_{number}" for number in itertools.count(1))
        candidates = itertools.chain([clean], numbered)
        distinct.append(next(name for name in candidates if name not in distinct))
    return distinct
