"""Modules of TensorFlow Hub: where they lie, and how they are called."""

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from covid_keras.utils.errors import InputError

_KAGGLE = re.compile(r"[\w-]+/[\w-]+/tensorflow2/[\w.-]+(/\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """How a module is called on a tensor of images (B, H, W, 3), and what it holds."""

    infer: Callable
    train: Callable
    variables: list
    trainable: list
    """Empty where the module cannot be trained."""
    frozen_because: str = ""


def resolve(handle: str) -> Path:
    """The folder of the module `handle`, fetched by tensorflow_hub where it is not here yet.

    Args:
        handle: a folder; an address (https://...); or owner/model/tensorFlow2/variation/version
            on Kaggle.

    Raises:
        InputError: no such folder; the module cannot be fetched.
    """
    if (folder := local(handle)) is not None:
        return folder
    if (address := _address(handle)) is None:
        raise InputError(
            f"hub:{handle}: no such folder. Expected one with a SavedModel, an address "
            "(https://...) or a Kaggle handle (owner/model/tensorFlow2/variation/version)"
        )
    import tensorflow as tf

    try:
        import tensorflow_hub  # fails where setuptools is 82 or newer

        return Path(tensorflow_hub.resolve(address))
    except (ImportError, OSError, EOFError, ValueError, tarfile.TarError, tf.errors.OpError) as e:
        raise InputError(
            f"hub:{handle}: cannot get {address} ({_short(e)}); {advice(handle)}"
        ) from e


def local(handle: str) -> Path | None:
    """The folder of `handle` if it is on this machine: itself, or in TensorFlow Hub's cache."""
    if (folder := Path(handle).expanduser()).is_dir():
        return folder
    place = _cached(handle)
    return place if place and place.is_dir() and any(place.iterdir()) else None


def lasting(handle: str) -> str:
    """`handle` in the form that holds in another working directory."""
    folder = Path(handle).expanduser()
    return str(folder.resolve()) if folder.is_dir() else handle


def advice(handle: str) -> str:
    """What to do about a module that is not on this machine."""
    place = _cached(handle)
    if place is None:
        return f"put the folder with its saved_model.pb back at {handle}"
    return (
        f"unpack it at {place} (TFHUB_CACHE_DIR is {place.parent}), so that {place}/saved_model.pb "
        "is there, or give the folder in which you have it"
    )


def load(folder: Path):
    """The TF2 SavedModel in `folder`.

    Raises:
        InputError: no SavedModel, a damaged one, or one in the TF1 Hub format.
    """
    import tensorflow as tf
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
            f"{folder}: expected a whole SavedModel; it is damaged or half-written: {_short(error)}"
        ) from error
    if module is None:
        raise InputError(
            f"{folder}: expected a TF2 SavedModel. Received: one of TF1 (the old format of "
            "TensorFlow Hub), which cannot be trained"
        )
    return module


def entry(module, shape: tuple[int | None, ...], title: str) -> Entry:
    """How to call `module`, with `__call__` or serving_default, on float32 images of `shape`.

    It can be trained if it can be called, lists `trainable_variables`, and takes training=True or
    no `training` at all.

    Raises:
        InputError: beginning with `title`: it cannot be called on such images, or does not give
            one vector an image.
    """
    import tensorflow as tf

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
        raise InputError(f"{title}: expected a module that is called on images and no more")
    _vector(traced.structured_outputs, title)
    listed = list(getattr(module, "trainable_variables", ())) if callable(module) else []
    why = ""
    if not listed:
        why = f"the module has no {'trainable variables' if callable(module) else '__call__'}"
    elif train is None:
        why = "the module has no training mode"
    return Entry(
        infer=lambda x: _vector(infer(x), title),
        train=lambda x: _vector(train(x), title),
        variables=_distinct([*listed, *getattr(module, "variables", ()), *traced.variables]),
        trainable=[] if why else listed,
        frozen_because=why,
    )


def _modes(module, images) -> tuple[Callable, Callable | None]:
    """The module in inference, and in training, None where it has no such mode."""
    modes = [lambda x, mode=mode: module(x, training=mode) for mode in (False, True)]
    infer, train = (mode if _trace(mode, images) else None for mode in modes)
    return (infer, train) if infer else (module, module)


def _trace(function: Callable, images):
    """The concrete function on `images`, None where the module has none for such arguments."""
    import tensorflow as tf

    try:
        return tf.function(lambda x: function(x), autograph=False).get_concrete_function(images)
    except (TypeError, ValueError):
        return None


def _check_images(signatures: list[tuple[tuple, dict]], images, title: str) -> None:
    """Raise InputError unless one of `signatures` takes one tensor, of the kind of `images`.

    TensorFlow itself would find another size only when it runs.
    """
    import tensorflow as tf

    arguments = [[*positional, *keywords.values()] for positional, keywords in signatures]
    tensors = [[x for x in found if isinstance(x, tf.TensorSpec)] for found in arguments]
    taken = [found[0] for found in tensors if len(found) == 1]
    if not any(x.dtype == images.dtype and _within(images.shape, x.shape) for x in taken):
        kinds = sorted({f"{x.dtype.name} {x.shape}" for x in taken})
        raise InputError(
            f"{title}: the module takes {' or '.join(kinds) or 'no images alone'}. "
            f"Received: float32 {images.shape}"
        )


def _within(shape, other) -> bool:
    """Whether every tensor of `shape` is one of `other` as well."""
    if other.rank is None:
        return True
    return other.rank == shape.rank and all(
        theirs in (None, ours) for ours, theirs in zip(shape, other, strict=True)
    )


def _vector(outputs, title: str):
    """The output (B, D): the only one, or the one called "default"."""
    found = outputs
    if isinstance(outputs, Mapping):
        found = next(iter(outputs.values())) if len(outputs) == 1 else outputs.get("default")
    shape = getattr(found, "shape", None)
    if shape is None or shape.rank != 2 or shape[1] is None:
        received = (
            ", ".join(sorted(outputs)) if shape is None and isinstance(outputs, Mapping) else shape
        )
        raise InputError(
            f"{title}: expected a module with one vector an image, (B, D). Received: {received}"
        )
    return found


def _distinct(variables: list) -> list:
    return list({id(variable): variable for variable in variables}.values())


def _address(handle: str) -> str | None:
    """The address of a handle that is no folder; None for one that cannot be fetched."""
    if handle.startswith(("https://", "http://")):
        return handle
    return f"https://www.kaggle.com/models/{handle}" if _KAGGLE.fullmatch(handle) else None


def _cached(handle: str) -> Path | None:
    """The place of a handle in TensorFlow Hub's cache (tensorflow.org/hub/caching)."""
    if (address := _address(handle)) is None:
        return None
    cache = os.environ.get("TFHUB_CACHE_DIR") or Path(tempfile.gettempdir()) / "tfhub_modules"
    return Path(cache) / hashlib.sha1(address.encode()).hexdigest()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
