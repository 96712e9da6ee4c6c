"""The three tasks of our side: inference, a training step, a training step as the recipe has it.

A case is {"network", "height", "width", "batch", "precision"}, sides in pixels, the precision
"float32" or "bfloat16".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import gpu_hlo
import jax
import keras
import numpy as np
from gpu_worker import Run

from covid_keras.models.create import create_model
from covid_keras.models.flops import TRAINING, flops
from covid_keras.models.fold import fold
from covid_keras.recipes import config
from covid_keras.recipes.ct_bit import CT_BIT
from covid_keras.recipes.ct_networks import CT_NETWORKS
from covid_keras.training import optimizers
from covid_keras.training.fit import build

CLASSES = 3
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
IMAGES = 10_000
"""Training images that a recipe counted in epochs is given; only its schedule depends on them."""


@dataclass(frozen=True)
class Step:
    """A compiled step with its inputs."""

    run: Run
    loss: Callable[[], float | None]
    """The last step's; None for inference."""
    compile_seconds: float
    flops: int
    """Of one image in this task, by `covid_keras.models.flops`."""
    program: dict
    """What the compiler says of its program, see `costs`."""


def inference(case: dict, seed: int, rehearsal: bool) -> Step:
    """The folded network on normalised images that are on the device, to logits."""
    network, images, _ = begin(case, seed)
    folded = fold(network)
    weights = values(folded.trainable_variables, folded.non_trainable_variables)
    call = jax.jit(lambda weights, x: folded.stateless_call(*weights, x, training=False)[0])
    compiled, seconds = compile_(call, (weights, images), rehearsal)

    def run(steps: int) -> None:
        for _ in range(steps):
            logits = compiled(weights, images)
        jax.block_until_ready(logits)

    return Step(run, lambda: None, seconds, flops(network, shape(case)), costs(compiled))


def train(case: dict, seed: int, rehearsal: bool) -> Step:
    """Forward, backward and SGD with momentum on normalised images that are on the device."""
    network, images, labels = begin(case, seed)
    network.compile(
        optimizer=keras.optimizers.SGD(0.003, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    network.optimizer.build(network.trainable_variables)
    return training_step(network, network, (images, labels), case, rehearsal)


def recipe(case: dict, seed: int, rehearsal: bool) -> Step:
    """The step that `covid_keras.training.fit` runs: the recipe's augmentation, mixup, optimiser.

    The batch of uint8 slices is on the device: no input pipeline is timed.
    """
    _policy(case, seed)
    chosen = recipe_of(case)
    classes = ("other", "COVID-19") if chosen.model.activation == "sigmoid" else ("0", "1", "2")
    classifier = build(chosen, classes)
    classifier.optimizer.learning_rate = optimizers.schedule(chosen.training)
    slices = (case["batch"], *config.height_width(chosen.input.resize), 1)
    batch = {
        "image": np.random.default_rng(seed).integers(0, 256, slices, "uint8"),
        "label": np.arange(case["batch"], dtype="int32") % len(classes),
    }
    data = (jax.device_put(batch),)
    return training_step(classifier, classifier.network, data, case, rehearsal)


TASKS = {"inference": inference, "train": train, "recipe": recipe}


def recipe_of(case: dict) -> config.Recipe:
    """Protocol A for BiT and protocol B for all others, at the case's size."""
    crop = (case["height"], case["width"])
    protocol = CT_BIT if case["network"].startswith("bit_") else CT_NETWORKS
    settings = {
        "model.name": case["network"],
        "input.crop": crop,
        "input.resize": 0,
        "training.batch": case["batch"],
    }
    return config.settled(config.sized(config.override(protocol, settings), crop), IMAGES)


def begin(case: dict, seed: int) -> tuple[keras.Model, jax.Array, jax.Array]:
    """The network with first weights, normalised images in float32, and their labels."""
    _policy(case, seed)
    network = create_model(case["network"], classes=CLASSES, input_shape=shape(case))
    size = (case["batch"], *shape(case))
    images = np.random.default_rng(seed).uniform(-1, 1, size).astype("float32")
    labels = np.arange(case["batch"], dtype="int32") % CLASSES
    return network, jax.device_put(images), jax.device_put(labels)


def shape(case: dict) -> tuple[int, int, int]:
    """Of an image: (height, width, 3)."""
    return case["height"], case["width"], 3


def training_step(
    trained: keras.Model, network: keras.Model, data: tuple, case: dict, rehearsal: bool
) -> Step:
    """Keras' own step for JAX, compiled with its state donated as `fit` does."""
    state = tuple(
        values(
            trained.trainable_variables,
            trained.non_trainable_variables,
            trained.optimizer.variables,
            trained.metrics_variables,
        )
    )
    step = jax.jit(trained.train_step, donate_argnums=0)
    compiled, seconds = compile_(step, (state, data), rehearsal)
    logs = {}

    def run(steps: int) -> None:
        nonlocal state, logs
        for _ in range(steps):
            logs, state = compiled(state, data)
        jax.block_until_ready(state)

    operations = TRAINING * flops(network, shape(case))
    return Step(run, lambda: float(logs["loss"]), seconds, operations, costs(compiled))


def values(*kinds: list[keras.Variable]) -> list[list[jax.Array]]:
    """What the variables hold."""
    return [[variable.value for variable in kind] for kind in kinds]


def compile_(function, arguments: tuple, rehearsal: bool):
    """The compiled function, and the seconds that tracing and compiling took."""
    options = {"xla_backend_optimization_level": 0} if rehearsal else None
    start = time.perf_counter()
    compiled = function.lower(*arguments).compile(options)
    return compiled, time.perf_counter() - start


def costs(compiled) -> dict:
    """FLOPs and bytes of one run, as the compiler counts them; None where it does not say.

    "xla_flops" and "xla_bytes" are XLA's own, in which calls of cuDNN may be missing;
    "kernel_bytes" is counted from the program's text, see `gpu_hlo`; "memory_bytes" is what the
    program holds on the device: arguments, results and intermediates.
    """
    cost, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()
    held = memory and (
        memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes
        + memory.temp_size_in_bytes
    )
    return {
        "xla_flops": cost.get("flops"),
        "xla_bytes": cost.get("bytes accessed"),
        "kernel_bytes": gpu_hlo.kernel_bytes(compiled.as_text()),
        "memory_bytes": held,
    }


def _policy(case: dict, seed: int) -> None:
    """Begin anew: no names of earlier networks, the seed, the precision."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(POLICIES[case["precision"]])
