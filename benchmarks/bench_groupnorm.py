"""BiT ResNet-50x1 with this project's GroupNormalization against Keras' own layer.

    python benchmarks/bench_groupnorm.py [--side 224] [--batch 8] [--repeats 9]

Forward pass and training step (SGD with momentum, softmax cross-entropy), in images/s. The two
networks take turns inside every repetition, so that load from outside falls on both. Two ratios:
the median over repetitions of the ratio within one repetition, and that of the fastest times,
which load from outside disturbs least.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line sets it

import keras
import numpy as np

from covid_keras.models import layers
from covid_keras.models.create import create_model

GOALS = {"forward": 1.3, "training": 1.15}


class KerasGroupNormalization(keras.layers.GroupNormalization):
    """Keras' layer with BiT's epsilon."""

    def __init__(self, **kwargs):
        super().__init__(groups=32, epsilon=1e-5, **kwargs)


def network(norm: type[keras.layers.Layer], side: int) -> keras.Model:
    """BiT with `norm` in place of its group normalisation, compiled for training."""
    with mock.patch.object(layers, "GroupNormalization", norm):
        model = create_model("bit_r50x1", classes=3, input_shape=(side, side, 3))
    model.compile(
        keras.optimizers.SGD(0.003, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.config.backend() == "jax",
    )
    return model


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(side: int, batch: int, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Images/s of (ours, Keras') in each repetition, for "forward" and "training"."""
    images = np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 3)).astype("float32")
    labels = np.arange(batch) % 3
    models = [network(layers.GroupNormalization, side), network(KerasGroupNormalization, side)]
    tasks = {
        "forward": [lambda m=m: m.predict_on_batch(images) for m in models],
        "training": [lambda m=m: m.train_on_batch(images, labels) for m in models],
    }
    speeds = {}
    for name, calls in tasks.items():
        for call in calls * 2:
            call()
        speeds[name] = [tuple(batch / seconds(call) for call in calls) for _ in range(repeats)]
    return speeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=224, help="pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    for name, pairs in measure(**vars(arguments)).items():
        ours, keras_own = (max(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(
            f"{name:9s} fastest: ours {ours:6.2f}, keras {keras_own:6.2f} images/s, "
            f"ratio {ours / keras_own:.2f}; median ratio {ratio:.2f} (goal {GOALS[name]})"
        )


if __name__ == "__main__":
    main()
