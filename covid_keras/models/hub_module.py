"""TensorFlow Hub modules: finding, loading and calling them."""

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from covid_keras.models.lazy import LazyModule
from covid_keras.utils.errors import InputError

tf = LazyModule("tensorflow")

_KAGGLE = re.compile(r"[\w-]+/[\w-]+/tensorflow2/[\w.-]+(/\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """How to call a module on images (B, H, W, 3), and its variables."""

    infer: Callable
    train: Callable
    variables: list
    trainable: list
    """Empty if the module cannot be trained."""
    frozen_because: str = ""


def resolve(handle: str) -> Path:
    """Return the folder of the module `handle`, downloaded by tensorflow_hub if needed.

    Args:
        handle: a folder; an address (https://...); or owner/model/tensorFlow2/variation/version
            on Kaggle.

    Raises:
        InputError: no such folder, or the download fails.
    """
    if (folder := local(handle)) is not None:
        return folder
    if (address := _address(handle)) is None:
        raise InputError(
            f"hub:{handle}: no such folder. Expected one with a SavedModel, an address "
            "(https://...) or a Kaggle handle (owner/model/tensorFlow2/variation/version)"
        )
    try:
        import tensorflow_hub  # fails with setuptools 82 or newer

        return Path(tensorflow_hub.resolve(address))
    except (ImportError, OSError, EOFError, ValueError, tarfile.TarError, tf.errors.OpError) as e:
        raise InputError(
            f"hub:{handle}: cannot get {address} ({_short(e)}); {advice(handle)}"
        ) from e


def local(handle: str) -> Path | None:
    """Return the folder of `handle` if it is on this machine: itself, or in the Hub's cache."""
    if (folder := Path(handle).expanduser()).is_dir():
        return folder
    place = _cached(handle)
    return place if place and place.is_dir() and any(place.iterdir()) else None


def check_local(handle: str) -> None:
    """Raise InputError if the module is not on this machine: loading a model fetches nothing."""
    if local(handle) is None:
        raise InputError(
            f"hub:{handle}: the saved model needs this module, which is not on this machine; "
            f"{advice(handle)}"
        )


def lasting(handle: str) -> str:
    """Return `handle` with a relative folder made absolute."""
    folder = Path(handle).expanduser()
    return str(folder.resolve()) if folder.is_dir() else handle


def advice(handle: str) -> str:
    """Return what to do about a module that is not on this machine."""
    place = _cached(handle)
    if place is None:
        return f"put the folder with its saved_model.pb back at {handle}"
    return (
        f"unpack it at {place} (TFHUB_CACHE_DIR is {place.parent}), so that {place}/saved_model.pb "
        "exists, or give the folder in which you have it"
    )


def load(folder: Path):
    """Return the TF2 SavedModel in `folder`.

    Raises:
        InputError: no SavedModel, a damaged one, or one in the TF1 Hub format.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = folder / "saved_model.pb"
    if not file.is_file():
        raise InputError(f"{folder}: expected a SavedModel, a folder with saved_model.pb")
    try:
        graphs = SavedModel.FromString(file.read_bytes()).meta_graphs
        is_tf2 = len(graphs) == 1 and graphs[0].HasField("object_graph_def")
        module = tf.saved_model.load(str(folder)) if is_tf2 else None
    except (OSError, ValueError, LookupError, DecodeError, tf.errors.OpError) as error:
        raise InputError(
            f"{folder}: expected a complete SavedModel; it is damaged or half-written: "
            f"{_short(error)}"
        ) from error
    if module is None:
        raise InputError(
            f"{folder}: expected a TF2 SavedModel. Received: one of TF1 (the old format of "
            "TensorFlow Hub), which cannot be trained"
        )
    return module


def entry(module, shape: tuple[int | None, ...], title: str) -> Entry:
    """Return how to call `module`, by `__call__` or serving_default, on float32 images of `shape`.

    It can be trained if it has `__call__`, lists `trainable_variables`, and takes training=True or
    no `training` at all.

    Raises:
        InputError: beginning with `title`: the module cannot be called on such images, or does
            not return one vector per image.
    """
    images = tf.TensorSpec(shape, tf.float32)
    if callable(module):
        signatures = [f.structured_input_signature for f in module.__call__.concrete_functions]
        infer, train = _modes(module, images)
    elif "serving_default" in getattr(module, "signatures", {}):
        serve = module.signatures["serving_default"]
        signatures = [serve.structured_input_signature]
        infer, train = (lambda x: serve(**{name: x for name in signatures[0][1]})), None
    else:
        raise InputError(f"{title}: the module has neither __call__ nor serving_default")
    _check_images(signatures, images, title)
    traced = _trace(infer, images)
    if traced is None:
        raise InputError(f"{title}: expected a module that takes images and nothing else")
    _vector(traced.structured_outputs, title)
    trainable = list(getattr(module, "trainable_variables", ())) if callable(module) else []
    why = ""
    if not trainable:
        why = f"the module has no {'trainable variables' if callable(module) else '__call__'}"
    elif train is None:
        why = "the module has no training mode"
    variables = [*trainable, *getattr(module, "variables", ()), *traced.variables]
    return Entry(
        infer=lambda x: _vector(infer(x), title),
        train=lambda x: _vector(train(x), title),
        variables=list({id(variable): variable for variable in variables}.values()),
        trainable=[] if why else trainable,
        frozen_because=why,
    )


def _modes(module, images) -> tuple[Callable, Callable | None]:
    """Return the module in inference and in training, None for a mode that it does not have."""
    modes = [lambda x, mode=mode: module(x, training=mode) for mode in (False, True)]
    infer, train = (mode if _trace(mode, images) else None for mode in modes)
    return (infer, train) if infer else (module, module)


def _trace(function: Callable, images):
    """Return the concrete function for `images`, None if the module has none."""
    try:
        return tf.function(lambda x: function(x), autograph=False).get_concrete_function(images)
    except (TypeError, ValueError):
        return None


def _check_images(signatures: list[tuple[tuple, dict]], images, title: str) -> None:
    """Raise InputError unless a signature takes exactly one tensor, which `images` matches.

    TensorFlow itself would notice another size only when it runs.
    """
    arguments = [[*positional, *keywords.values()] for positional, keywords in signatures]
    tensors = [[x for x in given if isinstance(x, tf.TensorSpec)] for given in arguments]
    taken = [specs[0] for specs in tensors if len(specs) == 1]
    if not any(images.is_subtype_of(spec) for spec in taken):
        kinds = sorted({f"{x.dtype.name} {x.shape}" for x in taken})
        raise InputError(
            f"{title}: the module takes {' or '.join(kinds) or 'more than images'}. "
            f"Received: float32 {images.shape}"
        )


def _vector(outputs, title: str):
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


def _address(handle: str) -> str | None:
    """Return the address of a handle that is not a folder; None if there is none."""
    if handle.startswith(("https://", "http://")):
        return handle
    return f"https://www.kaggle.com/models/{handle}" if _KAGGLE.fullmatch(handle) else None


def _cached(handle: str) -> Path | None:
    """Return the place of a handle in TensorFlow Hub's cache (tensorflow.org/hub/caching)."""
    if (address := _address(handle)) is None:
        return None
    cache = os.environ.get("TFHUB_CACHE_DIR") or Path(tempfile.gettempdir()) / "tfhub_modules"
    return Path(cache) / hashlib.sha1(address.encode()).hexdigest()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
