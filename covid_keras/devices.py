"""What the Keras backend can compute on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def gpu_count() -> int:
    """Number of GPUs that the Keras backend sees."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        import jax

        return jax.device_count() if jax.default_backend() == "gpu" else 0
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def import_keras() -> None:
    """Import Keras and its backend without the notices that they print on the way.

    They come from C++ code before its log level applies, so the error stream is turned off for
    the import; an import that fails still raises.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns oneDNN on by itself only on the newest processors; with AVX2 alone it makes
    # BiT train more than twice as fast as well.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _no_error_stream():
        import keras  # noqa: F401


@contextmanager
def _no_error_stream() -> Iterator[None]:
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
