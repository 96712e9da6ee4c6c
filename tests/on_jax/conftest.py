"""These tests need KERAS_BACKEND=jax from the start of the process: `make test-jax`."""

import os
import sys

ON_JAX = os.environ.get("KERAS_BACKEND") == "jax"

if not ON_JAX:
    collect_ignore_glob = ["test_*.py"]


def pytest_configure(config) -> None:
    if not ON_JAX:
        return
    sys.modules["tensorflow"] = None  # as where TensorFlow is not installed
    import jax

    from covid_keras.utils.backend import import_keras

    import_keras()
    # The same small programs are compiled by many tests.
    jax.config.update("jax_compilation_cache_dir", str(config.rootpath / ".pytest_cache" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
