"""Importing Keras in a fresh process: what is printed, and what is left importable."""

import os
import subprocess
import sys

import pytest

from covid_keras.utils import backend


def run(code: str, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True
    )


def test_a_broken_backend_shows_its_own_error(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow/__init__.py").write_text(
        "import os\nos.write(2, b'I0000 what the library said\\n')\nraise ImportError('no AVX')\n"
    )
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = run(
        "from covid_keras.utils.backend import import_keras; import_keras()", PYTHONPATH=paths
    )
    assert done.returncode == 1
    assert "I0000 what the library said" in done.stderr and "no AVX" in done.stderr


@pytest.mark.slow
def test_keras_starts_without_notices():
    done = run(
        "import os, sys; from covid_keras.utils.backend import import_keras; import_keras();"
        "import tensorflow as tf; tf.get_logger().warning('retracing');"
        "print('keras' in sys.modules); os.write(2, b'after\\n')",
        KERAS_BACKEND="tensorflow",
    )
    assert done.stdout == "True\n" and done.stderr == "after\n"


@pytest.mark.slow
def test_under_jax_keras_does_not_import_tensorflow_but_others_can():
    pytest.importorskip("jax")
    done = run(
        "import importlib.util, sys; from covid_keras.utils.backend import import_keras;"
        "import_keras(); import keras; keras.utils.set_random_seed(1);"
        "print(keras.config.backend(), 'tensorflow' in sys.modules,"
        " importlib.util.find_spec('tensorflow') is not None)",
        KERAS_BACKEND="jax",
    )
    assert done.stdout == "jax False True\n", done.stderr


def test_the_backend_is_the_one_of_the_environment(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert backend.backend() == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    assert backend.backend() == "tensorflow"
