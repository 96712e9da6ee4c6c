"""Folds of protocol B on one GPU: one by one as `fit` does, in turn, and batched over models.

    python benchmarks/gpu_together.py --out FILE [--networks NAME ...] [--models 5] [--rehearse]

All train the same step (`covid_keras.training.stacked`) on images that lie on the GPU. "one by
one" reads the loss after every step, as Keras' `fit` with our log does; "in turn" gives the GPU
the steps of all models without a look at any, as `covid-keras train --folds` does; "batched" is
its --batched, every operation over all models. The ways take turns in every round; images/s count
the images of all models; a ratio is to "one by one" in the same round.

Results are printed, and written to --out as JSON. Without a GPU only --rehearse runs: tiny, and
no figure of it is a measurement.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gpu_table
from gpu_run import commit

from covid_keras.recipes.ct_networks import CT_NETWORKS, NETWORKS
from covid_keras.utils.backend import import_keras
from covid_keras.utils.files import write_json

SMALL = ("squeezenet", "shufflenet_v2_x0_5", "resnet18")
IMAGES, BATCH, ROUNDS, STEPS = 600, CT_NETWORKS.training.batch, 5, 60
WAYS = ("one by one", "in turn", "batched")


def steps_of(network: str, models: int, rehearsal: bool) -> dict[str, Callable[[int], None]]:
    """For each way, a function that trains all models for so many steps; compiled already."""
    import jax
    import keras
    import numpy as np
    from gpu_steps import recipe_of

    from covid_keras.models import registry
    from covid_keras.recipes import config
    from covid_keras.training import optimizers, stacked
    from covid_keras.training.fit import build

    height, width = (side // 6 if rehearsal else side for side in registry.get(network).input_size)
    batch = 2 if rehearsal else BATCH
    recipe = recipe_of({"network": network, "height": height, "width": width, "batch": batch})
    rng = np.random.default_rng(0)
    shape = (IMAGES, *config.height_width(recipe.input.resize), 1)
    images = jax.device_put(rng.integers(0, 256, shape, "uint8"))
    labels = jax.device_put(rng.integers(0, 2, IMAGES, "int32"))
    states = []
    for seed in range(models):
        keras.utils.set_random_seed(seed)
        classifier = build(recipe, ("other", "COVID-19"))
        classifier.optimizer.learning_rate = optimizers.schedule(recipe.training)
        states.append(stacked.state_of(classifier))

    def lanes(size: int, watched: bool) -> Callable[[int], None]:
        step = stacked.training(classifier, size)
        kept = [stacked.stack(states[first : first + size]) for first in range(0, models, size)]

        def run(steps: int) -> None:
            for place in range(len(kept)):
                for _ in range(steps):
                    chosen = rng.integers(0, IMAGES, (size, batch), "int32")
                    kept[place], means = step(kept[place], images, labels, chosen)
                    if watched:
                        float(means["loss"][0])
            jax.block_until_ready(kept)

        run(2)
        return run

    return {
        "one by one": lanes(1, True),
        "in turn": lanes(1, False),
        "batched": lanes(models, False),
    }


def measure(network: str, models: int, rehearsal: bool) -> dict[str, list[float]]:
    """Images/s of all models together, by way, one number a round."""
    ways = steps_of(network, models, rehearsal)
    steps, rounds, batch = (1, 1, 2) if rehearsal else (STEPS, ROUNDS, BATCH)
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            ways[way](steps)
            rates[way].append(steps * models * batch / (time.perf_counter() - start))
    return rates


def row(network: str, rates: dict[str, list[float]]) -> str:
    """Rates and ratios as one line of a table."""
    cells = [network]
    for way in WAYS:
        pairs = zip(rates[way], rates[WAYS[0]], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        cells.append(f"{gpu_table.spread(rates[way], 0)} ({ratio:.2f})")
    return f"| {' | '.join(cells)} |"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, required=True, metavar="FILE")
    options.add_argument("--networks", nargs="+", default=list(SMALL), choices=NETWORKS)
    options.add_argument("--models", type=int, default=5, metavar="M")
    options.add_argument("--rehearse", action="store_true")
    arguments = options.parse_args()
    import_keras()
    import jax

    device = jax.devices()[0]
    if device.platform != "gpu" and not arguments.rehearse:
        print(f"no GPU found, JAX runs on {device.platform}; --rehearse", file=sys.stderr)
        return 1
    if arguments.rehearse:
        print(gpu_table.REHEARSAL)
    about = {
        "device": device.device_kind,
        "jax": jax.__version__,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "models": arguments.models,
        "rehearsal": arguments.rehearse,
    }
    print(f"{arguments.models} models, images/s of all together (ratio to {WAYS[0]}), {about}")
    print(f"| network | {' | '.join(WAYS)} |\n|---|---|---|---|")
    results = {}
    for network in arguments.networks:
        results[network] = measure(network, arguments.models, arguments.rehearse)
        print(row(network, results[network]), flush=True)
        write_json(arguments.out, about | {"images_per_second": results})
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
