"""These tests need KERAS_BACKEND=jax from the start of the process: `make test-jax`."""

import os

if os.environ.get("KERAS_BACKEND") != "jax":
    collect_ignore_glob = ["test_*.py"]


def pytest_configure() -> None:
    if os.environ.get("KERAS_BACKEND") == "jax":
        from covid_keras.devices import import_keras

        import_keras()
