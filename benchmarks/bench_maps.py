"""Measure the time of each explanation method against the forward pass, on this machine.

    python benchmarks/bench_maps.py
    python benchmarks/bench_maps.py --networks bit_r50x1 --side 224 --images 32

A forward pass is `predict_on_batch` of the same network with random weights in the same batches.
Everything is compiled before. Forward pass and method take turns, and the median ratio is printed:
of an image for the class activation maps, of a step (one gradient of an image) for integrated
gradients and SmoothGrad, of an image for the others.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import keras
import numpy as np

from covid_keras.explain.maps import Explainer
from covid_keras.explain.methods import integrated_gradients, smoothgrad
from covid_keras.models.create import create_model
from covid_keras.runs.map_methods import METHODS
from covid_keras.utils.backend import backend, gpu_count
from covid_keras.utils.text import text_table

STEPS = {
    "integrated-gradients": integrated_gradients.STEPS,
    "smoothgrad": smoothgrad.SAMPLES,
}
"""{method of gradients: gradients of an image}."""
SLOW = ("scorecam", "occlusion")
"""Methods of hundreds of forward passes; left out unless --all."""


def seconds(call: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratio(forward: Callable, method: Callable, rounds: int) -> tuple[float, float]:
    """Return the median seconds of `forward`, and of `method` in units of it."""
    for call in (forward, forward, forward, method, method):  # compiled from the third batch on
        call()
    pairs = [(seconds(forward), seconds(method)) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(other / one for one, other in pairs)


def main() -> None:
    """Print a row for each network and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["bit_r50x1", "squeezenet", "densenet121"])
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--all", action="store_true", help="the slow methods, too")
    given = parser.parse_args()
    rows = [("network", "method", "forward ms/image", "forward passes", "of")]
    shape = (given.side, given.side, 3)
    images = np.random.default_rng(0).normal(size=(given.images, *shape)).astype(np.float32)
    for name in given.networks:
        network = create_model(name, classes=3, input_shape=shape)
        plain = keras.Model(network.input, network.output)
        if backend() == "tensorflow":
            plain.jit_compile = gpu_count() > 0

        def forward(model: keras.Model = plain) -> None:
            for start in range(0, len(images), given.batch):
                model.predict_on_batch(images[start : start + given.batch])

        for method in METHODS:
            if method in SLOW and not given.all:
                continue
            explainer = Explainer(network, method, batch_size=given.batch)
            once, passes = ratio(
                forward, lambda explainer=explainer: explainer.maps(images, 1), given.rounds
            )
            steps = STEPS.get(method, 1)
            unit = "step" if method in STEPS else "image"
            rows.append(
                (name, method, f"{1000 * once / len(images):.1f}", f"{passes / steps:.2f}", unit)
            )
            print(*rows[-1], flush=True)
    print(*text_table(rows, "<<>><"), sep="\n")


if __name__ == "__main__":
    main()
