"""What the Keras backend can compute on."""

import os


def gpu_count() -> int:
    """Number of GPUs that the Keras backend sees."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        import jax

        return jax.device_count() if jax.default_backend() == "gpu" else 0
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))
