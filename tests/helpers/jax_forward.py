"""Runs saved models under JAX, in a process of its own: the tests run under TensorFlow.

Each line of the standard input holds three paths: a .keras file, a .npy file of images, and the
.npy file where the outputs go. Each is answered with one line: the backend's name.
"""

import os
import sys

os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

import jax
import keras
import numpy as np

from covid_keras.models import batchnorm, grouped, layers  # noqa: F401  registers them


def main() -> None:
    for line in sys.stdin:
        model, images, outputs = line.split()
        np.save(outputs, forward(model, np.load(images)))
        print(keras.backend.backend(), flush=True)


def forward(path: str, images: np.ndarray) -> np.ndarray:
    """The outputs in inference, of the whole graph compiled as one.

    The weights are the file's from the start: JAX compiles the random ones anew for each shape.
    """
    with keras.StatelessScope(initialize_variables=False) as scope:
        model = keras.saving.load_model(path)
    keras.utils.clear_session()  # else Keras initialises the variables in the next scope
    kinds = (model.trainable_variables, model.non_trainable_variables)
    weights = [[scope.get_current_value(variable) for variable in kind] for kind in kinds]
    run = jax.jit(lambda weights, x: model.stateless_call(*weights, x, training=False)[0])
    # Without LLVM's optimisation a DenseNet compiles in a quarter of the time.
    compiled = run.lower(weights, images).compile({"xla_backend_optimization_level": 0})
    return np.asarray(compiled(weights, images))


if __name__ == "__main__":
    main()
