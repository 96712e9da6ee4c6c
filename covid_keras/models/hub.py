"""TensorFlow Hub: "hub:HANDLE" is any image feature vector, as one Keras layer that trains.

The module of HANDLE is called as the Reusable SavedModel API says, with images in [0, 1]
(tensorflow.org/hub/reusable_saved_models; big_transfer issue 16). TensorFlow backend only.
(`tensorflow_hub.KerasLayer` needs Keras 2, and Keras' `TFSMLayer` does not train.)
"""

import hashlib
import os
import re
import tarfile
import tempfile
from functools import partial
from pathlib import Path

from covid_keras.models.lazy import hub_layer, tf
from covid_keras.models.network import PREPROCESSING, Network
from covid_keras.utils.backend import Tensor
from covid_keras.utils.errors import InputError

PREFIX = "hub:"
"""Start of the names of TensorFlow Hub networks."""

_ADDRESS = re.compile(r"https?://.*")
_KAGGLE = re.compile(r"[\w-]+/[\w-]+/tensorflow2/[\w.-]+(/\d+)?", re.IGNORECASE)


def hub_vector(images, handle: str) -> Tensor:
    """Return the vectors of `images` (B, H, W, 3) in [0, 1] by the module: (B, D) float32.

    Raises:
        InputError: the module cannot be found, fetched or read; it is not a TF2 image feature
            vector or takes images of another size; the backend is not TensorFlow.
    """
    return hub_layer.HubLayer(handle, name="features")(images)


def network(name: str) -> Network:
    """Return the row of `name`, "hub:HANDLE"; parameters and features are 0, for not known.

    Weights are the module's own, or those of a .keras or .weights.h5 file of this package.
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


def resolve(handle: str, *, fetch: bool = True) -> Path:
    """Return the folder of the module `handle`, downloaded by tensorflow_hub if needed.

    Args:
        handle: a folder; an address (https://...); or owner/model/tensorFlow2/variation/version
            on Kaggle.
        fetch: whether to download it. A saved model must not bring in code from elsewhere.

    Raises:
        InputError: no such folder, the download fails, or it would be needed without `fetch`.
    """
    if (folder := Path(handle).expanduser()).is_dir():
        return folder
    advice = f"put the folder with its saved_model.pb back at {handle}"
    address = f"https://www.kaggle.com/models/{handle}" if _KAGGLE.fullmatch(handle) else handle
    if known := _ADDRESS.fullmatch(address):  # its place in the cache: tensorflow.org/hub/caching
        cache = os.environ.get("TFHUB_CACHE_DIR") or Path(tempfile.gettempdir()) / "tfhub_modules"
        place = Path(cache) / hashlib.sha1(address.encode()).hexdigest()
        if place.is_dir() and any(place.iterdir()):
            return place
        advice = (
            f"unpack it at {place} (TFHUB_CACHE_DIR is {place.parent}), so that "
            f"{place}/saved_model.pb exists, or give the folder in which you have it"
        )
    if not fetch:
        raise InputError(
            f"hub:{handle}: the saved model needs this module, which is not on this machine; "
            f"{advice}"
        )
    if not known:
        raise InputError(
            f"hub:{handle}: no such folder. Expected one with a SavedModel, an address "
            "(https://...) or a Kaggle handle (owner/model/tensorFlow2/variation/version)"
        )
    try:
        import tensorflow_hub  # fails with setuptools 82 or newer

        return Path(tensorflow_hub.resolve(address))
    except (ImportError, OSError, EOFError, ValueError, tarfile.TarError, tf.errors.OpError) as e:
        reason = " ".join(str(e).split())[:200]
        raise InputError(f"hub:{handle}: cannot get {address} ({reason}); {advice}") from e


def lasting(handle: str) -> str:
    """Return `handle` with a relative folder made absolute."""
    folder = Path(handle).expanduser()
    return str(folder.resolve()) if folder.is_dir() else handle
