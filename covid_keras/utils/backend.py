"""What the Keras backend can compute on."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from covid_keras.utils.errors import InputError

BACKENDS = ("tensorflow", "jax")
"""Those that everything here is written for and tested with."""


def backend() -> str:
    """The Keras backend of this process: what Keras has loaded, else KERAS_BACKEND."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    return os.environ.get("KERAS_BACKEND", BACKENDS[0])


def gpu_count() -> int:
    """Number of GPUs that the Keras backend sees."""
    if backend() == "jax":
        import jax

        return jax.device_count() if jax.default_backend() == "gpu" else 0
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def import_keras() -> None:
    """Import Keras and its backend without the notices that they print on the way.

    They come from C++ code before its log level applies; an import that fails still raises. Under
    JAX, TensorFlow counts as not installed: Keras would import it for its random seeds alone.

    Raises:
        InputError: the backend is none of ours, or is not installed.
    """
    chosen = backend()
    if chosen not in BACKENDS:
        raise InputError(f"KERAS_BACKEND: expected {' or '.join(BACKENDS)}. Received: {chosen}")
    if importlib.util.find_spec(chosen) is None:
        (other,) = (name for name in BACKENDS if name != chosen)
        hint = f", or set KERAS_BACKEND={other}" if importlib.util.find_spec(other) else ""
        raise InputError(
            f"Keras' backend: expected the package {chosen}: install it{hint}."
            " Received: not installed"
        )
    os.environ["KERAS_BACKEND"] = chosen  # a keras.json in the home folder might say another
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns oneDNN on by itself only on the newest processors; with AVX2 alone it makes
    # BiT train more than twice as fast as well.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if chosen == "jax":
        sys.modules.setdefault("tensorflow", None)
    with _quiet():
        import keras  # noqa: F401
    if chosen == "jax" and gpu_count() > 0:
        _keep_compiled()


def _keep_compiled() -> None:
    """Let XLA keep what it compiles for a GPU, and find it again in later processes."""
    import jax

    if not jax.config.jax_compilation_cache_dir:
        ours = os.environ.get("COVID_KERAS_CACHE") or Path.home() / ".cache" / "covid_keras"
        jax.config.update("jax_compilation_cache_dir", str(Path(ours) / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def need_tensorflow(what: str, instead: str) -> None:
    """Raises InputError, which begins with `what` needs it, under any other backend.

    Args:
        instead: what else can be done.
    """
    if backend() != "tensorflow":
        raise InputError(
            f"{what}: expected TensorFlow (KERAS_BACKEND=tensorflow); {instead}."
            f" Received: {backend()}"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
