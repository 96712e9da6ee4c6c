"""Record five steps of tensorflow-addons' LAMB: lamb.npz beside this.

Written with Python 3.11, tensorflow-cpu 2.15.1, tensorflow-addons 0.23.0, numpy 1.26.4, in an
environment of their own:

    python tests/oracles/record_lamb.py

For every case of `lamb_cases`: all variables after each step, flat and joined.
"""

from pathlib import Path

import lamb_cases
import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa


def main() -> None:
    recorded = {}
    for name, arguments in lamb_cases.CASES.items():
        variables = [
            tf.Variable(value, name=path) for path, value in lamb_cases.variables().items()
        ]
        optimizer = tfa.optimizers.LAMB(lamb_cases.RATE, **arguments)
        for step in range(lamb_cases.STEPS):
            gradients = lamb_cases.gradients(step)
            optimizer.apply_gradients(zip(map(tf.constant, gradients), variables, strict=True))
            flat = np.concatenate([variable.numpy().ravel() for variable in variables])
            recorded[f"{name}_{step}"] = flat
    np.savez_compressed(Path(__file__).with_name("lamb.npz"), **recorded)


if __name__ == "__main__":
    main()
