"""The Keras backend: import it, and say what it can compute on."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import cache_folder

BACKENDS = ("tensorflow", "jax")
"""Backends that this package is written for and tested with."""

_NOTICES = (b"WARNING: All log messages before absl::InitializeLog()", b"I0000 ")
"""How the notices begin that TensorFlow's C++ code prints before its log level applies."""


def backend() -> str:
    """Return the Keras backend of this process: the one loaded by Keras, else KERAS_BACKEND."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    return os.environ.get("KERAS_BACKEND", BACKENDS[0])


def gpu_count() -> int:
    """Return the number of GPUs that the Keras backend sees."""
    if backend() == "jax":
        import jax

        return jax.device_count() if jax.default_backend() == "gpu" else 0
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def import_keras() -> None:
    """Import Keras and its backend without the backend's start-up notices.

    Raises:
        InputError: the backend is not one of `BACKENDS`, or is not installed.
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
    os.environ["KERAS_BACKEND"] = chosen  # a keras.json in the home folder may name another
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # By default TensorFlow uses oneDNN on the newest processors only; with AVX2 it doubles the
    # speed of training BiT as well.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _without_notices():
        if chosen == "jax":
            _import_without_tensorflow()
        import keras  # noqa: F401
    if chosen == "jax" and gpu_count() > 0:
        _keep_compiled()


def _import_without_tensorflow() -> None:
    """Import Keras and make it treat TensorFlow as missing; other code can still import it.

    Under JAX, Keras would import TensorFlow (20 s) for nothing but its random seed.
    """
    if "tensorflow" in sys.modules:
        return
    sys.modules["tensorflow"] = None
    try:
        from keras.src.utils.module_utils import tensorflow

        assert not tensorflow.available  # Keras looks once and remembers
    finally:
        del sys.modules["tensorflow"]


def _keep_compiled() -> None:
    """Let XLA keep the programs that it compiles for a GPU, for later processes."""
    import jax

    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def need_tensorflow(what: str, instead: str) -> None:
    """Raise InputError, beginning with `what`, under any backend but TensorFlow.

    Args:
        instead: what else can be done.
    """
    if backend() != "tensorflow":
        raise InputError(
            f"{what}: expected TensorFlow (KERAS_BACKEND=tensorflow); {instead}."
            f" Received: {backend()}"
        )


@contextmanager
def _without_notices() -> Iterator[None]:
    """Hold back stderr, then write all of it but the lines of `_NOTICES`; all if a block fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    notices = _NOTICES
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            notices = ()
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not line.startswith(notices):
                    os.write(2, line)
