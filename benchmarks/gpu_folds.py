"""Images per second of N folds of protocol B trained on one GPU, in three ways.

    KERAS_BACKEND=jax python benchmarks/gpu_folds.py [--networks NAME ...] [--folds 5] [--rehearse]

"one by one" reads the loss after each step, as Keras' `fit` does; "in turn" dispatches all steps
of one fold and then of the next, as `covid-keras train --folds` does; "batched" runs each step
over all folds, as `--batched` does. Steps are the recipe's, on random images that are on the GPU.
"""

import argparse
import statistics

import jax
import keras
import numpy as np
from gpu import REHEARSAL, block

from covid_keras import recipes
from covid_keras.models import registry
from covid_keras.recipes import config
from covid_keras.recipes.settings import override
from covid_keras.training import stacked
from covid_keras.training.fit import build

SMALL = ["squeezenet", "shufflenet_v2_x0_5", "resnet18"]
IMAGES, STEPS, ROUNDS = 600, 60, 5


def measure(network: str, folds: int, rehearsal: bool) -> dict[str, float]:
    """Return the images/s of all folds together, by way: medians over rounds."""
    crop = tuple(side // (6 if rehearsal else 1) for side in registry.get(network).input_size)
    settings = {"model.name": network, "input.crop": crop, "input.resize": 0}
    settings |= {"model.weights": "random"}
    settings |= {"model.preprocessing": registry.get(network).preprocessing.name}
    recipe = override(recipes.get("ct-networks"), settings)
    recipe = config.settled(config.sized(recipe, crop), IMAGES)
    batch, steps = (2, 1) if rehearsal else (recipe.training.batch, STEPS)
    rng = np.random.default_rng(0)
    shape = (IMAGES, *config.height_width(recipe.input.resize), 1)
    images = jax.device_put(rng.integers(0, 256, shape, "uint8"))
    labels = jax.device_put(rng.integers(0, 2, IMAGES, "int32"))
    keras.utils.set_random_seed(0)
    classifier = build(recipe, ("other", "COVID-19"))

    def trainer(size: int, reads_loss: bool):
        step = stacked.training(classifier, size)
        start = [stacked.state_of(classifier)] * size
        groups = [stacked.stack(start) for _ in range(folds // size)]

        def train() -> list:
            for place in range(len(groups)):
                for _ in range(steps):
                    chosen = rng.integers(0, IMAGES, (size, batch), "int32")
                    groups[place], means = step(groups[place], images, labels, chosen)
                    if reads_loss:
                        float(means["loss"][0])
            return groups

        block(train, jax.block_until_ready, 1)
        return train

    ways = {"one by one": trainer(1, True), "in turn": trainer(1, False)}
    ways["batched"] = trainer(folds, False)
    rates = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, train in ways.items():
            rates[way].append(steps * folds * batch / block(train, jax.block_until_ready, 1))
    return {way: statistics.median(values) for way, values in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=SMALL, metavar="NAME")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rehearse", action="store_true", help="run on a CPU, measure nothing")
    arguments = parser.parse_args()
    if jax.default_backend() != "gpu" and not arguments.rehearse:
        parser.exit(1, f"no GPU found, JAX runs on {jax.default_backend()}; try --rehearse\n")
    print(REHEARSAL if arguments.rehearse else jax.devices()[0].device_kind)
    for network in arguments.networks:
        for way, rate in measure(network, arguments.folds, arguments.rehearse).items():
            print(f"{network}, {way}: {rate:,.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
