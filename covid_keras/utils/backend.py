"""The Keras backend: import it, and say what it can compute on."""

import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import cache_folder
from covid_keras.utils.optional import need

BACKENDS = ("tensorflow", "jax")
Tensor = Any
"""A tensor of the backend, or a symbolic one while a graph is built: they have no common type."""
_NOTICES = (b"WARNING: All log messages before absl::InitializeLog()", b"I0000 ")
"""Beginnings of the lines that TensorFlow prints before its log level applies."""


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
    (other,) = set(BACKENDS) - {chosen}
    hint = f"set KERAS_BACKEND={other}" if importlib.util.find_spec(other) else ""
    need(chosen, "Keras' backend", "", hint)
    os.environ["KERAS_BACKEND"] = chosen  # a keras.json in the home folder may name another
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logger = logging.getLogger("tensorflow")  # it warns of every few networks in one process
    logger.setLevel(logger.level or logging.ERROR)
    # With AVX2, where it is off by default, oneDNN doubles the speed of training BiT.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _without_notices():
        if chosen == "jax" and "tensorflow" not in sys.modules:
            _import_without_tensorflow()
        importlib.import_module("keras")
    if chosen == "jax" and gpu_count() > 0:
        keep_compiled()


def keep_compiled() -> None:
    """Let XLA keep what it compiles for a GPU, so that later processes find it (JAX)."""
    import jax

    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _import_without_tensorflow() -> None:
    """Import Keras without TensorFlow (20 s), which it would need for nothing but a random seed.

    Other code can still import TensorFlow.
    """
    sys.modules["tensorflow"] = None
    try:
        from keras.src.utils.module_utils import tensorflow

        assert not tensorflow.available  # Keras looks once and remembers
    finally:
        del sys.modules["tensorflow"]


def need_tensorflow(what: str, instead: str) -> None:
    """Raise InputError about `what` under any other backend; `instead` is what else can be done."""
    if backend() != "tensorflow":
        raise InputError(
            f"{what}: expected TensorFlow (KERAS_BACKEND=tensorflow); {instead}."
            f" Received: {backend()}"
        )


@contextmanager
def _without_notices() -> Iterator[None]:
    """Hold stderr back, then write it without the lines of `_NOTICES`; all if the block fails."""
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
