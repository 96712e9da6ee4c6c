"""The Keras layer that holds a TensorFlow Hub module and trains its variables."""

import itertools
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from covid_keras.models import hub
from covid_keras.models.lazy import tf
from covid_keras.utils.backend import Tensor
from covid_keras.utils.console import say
from covid_keras.utils.errors import InputError


@keras.saving.register_keras_serializable(package="covid_keras")
class HubLayer(keras.layers.Layer):
    """The module of `handle`: images (B, H, W, 3) float32 to vectors (B, D) float32.

    The module's own variables are the layer's weights, and its `regularization_losses` are added
    to the loss. A module that cannot be trained (see `entry`) stays frozen, with a line on stderr.
    A frozen layer runs the module in inference mode, as Keras' batch normalisation does.

    A saved model holds the handle and the weights, not the module's graph: loading it needs the
    module in its folder or in the cache; nothing is downloaded then.

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
        self.handle = hub.lasting(handle)
        self._module = _load(hub.resolve(handle))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        title = f"hub:{self.handle}"
        self._entry = entry(self._module, tuple(input_shape), title)
        trainable = {id(variable) for variable in self._entry.trainable}
        names = _variable_names([variable.name for variable in self._entry.variables])
        for variable, name in zip(self._entry.variables, names, strict=True):
            kind = {"dtype": variable.dtype.name, "trainable": id(variable) in trainable}
            self._track_variable(keras.Variable(variable, autocast=False, name=name, **kind))
        if not self._entry.trainable:
            say(f"{title}: stays frozen: {self._entry.frozen_because}", file=sys.stderr)

    def call(self, inputs, training: bool = False) -> Tensor:
        if not (self.trainable and self._entry.trainable):
            return self._entry.infer(inputs)
        for loss in getattr(self._module, "regularization_losses", ()):
            self.add_loss(loss())
        return self._entry.train(inputs) if training else self._entry.infer(inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), "handle": self.handle}

    @classmethod
    def from_config(cls, config: dict) -> "HubLayer":
        hub.resolve(config["handle"], fetch=False)
        return cls(**config)


def _variable_names(names: list[str]) -> list[str]:
    """Return distinct names without "/" and ":", as Keras needs them: "a.b" for "a/b:0"."""
    distinct = []
    for name in names:
        clean = re.sub(r"[^\w.-]", "_", name.split(":")[0].replace("/", "."))
        candidates = itertools.chain([clean], (f"{clean}_{n}" for n in itertools.count(1)))
        distinct.append(next(name for name in candidates if name not in distinct))
    return distinct


def _load(folder: Path) -> Any:
    """Return the TF2 SavedModel in `folder`; raise InputError if there is none to be read."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = folder / "saved_model.pb"
    if not file.is_file():
        raise InputError(f"{folder}: expected a SavedModel, a folder with saved_model.pb")
    try:
        graphs = SavedModel.FromString(file.read_bytes()).meta_graphs
        if len(graphs) == 1 and graphs[0].HasField("object_graph_def"):
            return tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, DecodeError, tf.errors.OpError) as error:
        raise InputError(
            f"{folder}: expected a complete SavedModel; it is damaged or half-written: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    raise InputError(
        f"{folder}: expected a TF2 SavedModel. Received: one of TF1 (the old format of "
        "TensorFlow Hub), which cannot be trained"
    )


@dataclass(frozen=True)
class Entry:
    """How to call a module on images (B, H, W, 3), and its variables."""

    infer: Callable
    train: Callable
    variables: list
    trainable: list
    frozen_because: str
    """Empty if the module can be trained; `trainable` is empty otherwise."""


def entry(module, shape: tuple[int | None, ...], title: str) -> Entry:
    """Return how to call `module`, by `__call__` or serving_default, on float32 images of `shape`.

    It can be trained if it has `__call__`, lists `trainable_variables`, and takes training=True or
    no `training` at all.

    Raises:
        InputError: the module cannot be called so, or does not return one vector per image.
    """
    images = tf.TensorSpec(shape, tf.float32)
    train, trainable, lacking = None, [], "__call__"
    if callable(module):
        signatures = [f.structured_input_signature for f in module.__call__.concrete_functions]
        modes = [lambda x, mode=mode: module(x, training=mode) for mode in (False, True)]
        infer, train = (mode if _trace(mode, images) else None for mode in modes)
        if infer is None:  # it has no `training`
            infer = train = module
        trainable = list(getattr(module, "trainable_variables", ()))
        lacking = ("" if train else "training mode") if trainable else "trainable variables"
    elif "serving_default" in getattr(module, "signatures", {}):
        serve = module.signatures["serving_default"]
        signatures = [serve.structured_input_signature]

        def infer(x) -> Tensor:
            return serve(**dict.fromkeys(signatures[0][1], x))
    else:
        raise InputError(f"{title}: the module has neither __call__ nor serving_default")
    _check_images(signatures, images, title)
    traced = _trace(infer, images)
    if traced is None:
        raise InputError(f"{title}: expected a module that takes images and nothing else")
    _vector(traced.structured_outputs, title)
    variables = [*trainable, *getattr(module, "variables", ()), *traced.variables]
    return Entry(
        infer=lambda x: _vector(infer(x), title),
        train=lambda x: _vector(train(x), title),
        variables=list({id(variable): variable for variable in variables}.values()),
        trainable=[] if lacking else trainable,
        frozen_because=lacking and f"the module has no {lacking}",
    )


def _trace(function: Callable, images) -> Callable | None:
    """Return the concrete function for `images`, None if the module has none."""
    try:
        return tf.function(lambda x: function(x), autograph=False).get_concrete_function(images)
    except (TypeError, ValueError):
        return None


def _check_images(signatures: list[tuple[tuple, dict]], images, title: str) -> None:
    """Raise InputError unless a signature takes exactly one tensor, which `images` matches."""
    arguments = [[*positional, *keywords.values()] for positional, keywords in signatures]
    tensors = [[x for x in given if isinstance(x, tf.TensorSpec)] for given in arguments]
    taken = [specs[0] for specs in tensors if len(specs) == 1]
    if not any(images.is_subtype_of(spec) for spec in taken):
        kinds = sorted({f"{x.dtype.name} {x.shape}" for x in taken})
        raise InputError(
            f"{title}: the module takes {' or '.join(kinds) or 'more than images'}. "
            f"Received: float32 {images.shape}"
        )


def _vector(outputs, title: str) -> Tensor:
    """Return the output (B, D): the only one, or the one called "default"."""
    vector, received = outputs, None
    if isinstance(outputs, Mapping):
        vector = next(iter(outputs.values())) if len(outputs) == 1 else outputs.get("default")
        received = ", ".join(sorted(outputs))
    shape = getattr(vector, "shape", None)
    if shape is None or shape.rank != 2 or shape[1] is None:
        raise InputError(
            f"{title}: expected a module that gives one vector per image, (B, D). "
            f"Received: {received if shape is None else shape}"
        )
    return vector
