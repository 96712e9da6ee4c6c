"""Runs saved models under JAX, in a process of its own: the tests run under TensorFlow.

Each line of the standard input holds three paths: a .keras file, a .npy file of images, and the
.npy file where the outputs go. Each is answered with one line: the backend's name.
"""

import os
import sys

# Without LLVM's optimisation a DenseNet compiles in a quarter of the time.
os.environ |= {
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
}

import importlib

import jax
import keras
import numpy as np

for _family in ("layers", "shufflenet"):  # registers the layers of saved models
    importlib.import_module(f"covid_keras.models.{_family}")


def main() -> None:
    for line in sys.stdin:
        model, images, outputs = line.split()
        np.save(outputs, forward(keras.saving.load_model(model), np.load(images)))
        print(keras.backend.backend(), flush=True)


def forward(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The outputs in inference, of the whole graph compiled as one."""
    kinds = (model.trainable_variables, model.non_trainable_variables)
    weights = [[variable.value for variable in kind] for kind in kinds]
    run = jax.jit(lambda weights, x: model.stateless_call(*weights, x, training=False)[0])
    return np.asarray(run(weights, images))


if __name__ == "__main__":
    main()
