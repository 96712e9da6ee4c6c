"""What the tests of precision compute on both backends.

As a program it runs under JAX, in a process of its own: the tests run under TensorFlow. Its
argument is an empty folder; its last line is JSON.
"""

import dataclasses
import json
import math
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import keras
import numpy as np
import tiny
from keras import ops

from covid_keras.recipes import RECIPES
from covid_keras.recipes.config import Recipe
from covid_keras.runs.run import Run
from covid_keras.training import fit
from covid_keras.training.callbacks import StepCallback
from covid_keras.training.classifier import Classifier
from covid_keras.training.schedule import warmup_step_decay

NAMES = ("ct-bit", "ct-networks", "cxr-bit", "xray-3class")
"""The recipes of protocols A, B, C and D."""
OPTIMIZERS = {
    "sgd": {"training_optimizer": "sgd", "training_momentum": 0.9},
    "adam": {"training_optimizer": "adam", "training_learning_rate": 0.01},
    "lamb": {"training_optimizer": "lamb", "training_weight_decay": 0.5},
}
WITHOUT_CHANCE = {"augmentation_flip": False, "augmentation_mixup": 0.0, "input_resize": 16}
SCHEDULE = (0.125, (2, 4, 6, 12))
OVERFLOWS = 1e36
"""A slope that is a float32 number, and is none once it is scaled."""
SLOPES = (OVERFLOWS, *[1.0] * 4, OVERFLOWS, *[1.0] * 5)


class Slope(keras.Model):
    """A weight whose gradient is the input. In float32, for XLA need not round to float16."""

    def __init__(self) -> None:
        super().__init__(autocast=False)
        self.weight = self.add_weight((1,), initializer="ones", autocast=False, name="weight")

    def call(self, x):
        return self.weight * x

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred)


@contextmanager
def policy(name: str):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def changes_of(name: str) -> dict:
    """The recipe's augmentation, optimiser and output, as changes of the tiny recipe."""
    recipe = RECIPES[name]
    training = recipe.training
    drawn = dataclasses.asdict(recipe.augmentation)
    return {f"augmentation_{key}": value for key, value in drawn.items()} | {
        "data_balance": recipe.data.balance,
        "model_activation": recipe.model.activation,
        "model_dropout": recipe.model.dropout,
        "training_optimizer": training.optimizer,
        "training_learning_rate": 0.01,
        "training_momentum": training.momentum,
        "training_weight_decay": training.weight_decay,
    }


def batch(side: int = 20, count: int = 4) -> dict[str, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 1), np.uint8)
    return {"image": images, "label": np.arange(count, dtype="int32") % 2}


def build(recipe: Recipe, classes: tuple = tiny.CLASSES) -> Classifier:
    """The classifier at weights that are the same on every backend."""
    with policy(recipe.training.precision):
        classifier = fit.build(recipe, classes)
    rng = np.random.default_rng(1)
    shapes = [weight.shape for weight in classifier.network.get_weights()]
    classifier.network.set_weights([rng.normal(0, 0.3, shape) for shape in shapes])
    return classifier


def losses(classifier: Classifier, steps: int, side: int = 20) -> list[float]:
    found = []
    for _ in range(steps):
        classifier.reset_metrics()
        found.append(float(classifier.train_on_batch(batch(side), return_dict=True)["loss"]))
    return found


def steps_without_chance(optimizer: str) -> dict[str, list[float]]:
    """Losses of some steps of the tiny network, and its weights after them."""
    classifier = build(tiny.recipe(**WITHOUT_CHANCE, **OPTIMIZERS[optimizer]))
    found = losses(classifier, 5, side=16)
    weights = np.concatenate([weight.ravel() for weight in classifier.network.get_weights()])
    return {"losses": found, "weights": weights.tolist()}


def scaled_steps(name: str, jit_compile: bool) -> list[list[float]]:
    """[weight, scale, steps since it changed, steps of the optimiser], after each of `SLOPES`."""
    inner = fit.optimizer(tiny.recipe(**OPTIMIZERS[name]).training)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, dynamic_growth_steps=4)
    with policy("mixed_float16"):
        model = Slope()
    model.compile(optimizer, jit_compile=jit_compile)
    optimizer.build(model.trainable_variables)
    optimizer.learning_rate = warmup_step_decay(*SCHEDULE)
    watched = (model.weight, optimizer.dynamic_scale, optimizer.step_counter, optimizer.iterations)
    found = []
    for slope in SLOPES:
        loss = model.train_on_batch(np.full((1, 1), slope, "float32"), return_dict=True)["loss"]
        assert math.isfinite(loss)
        found.append([float(ops.convert_to_numpy(value).sum()) for value in watched])
    return found


def seen_by_the_step(run: Run) -> list[list]:
    """[key, dtype, shape] of all that a whole run hands to the training step."""
    seen = {}

    def watch(classifier) -> None:
        step = classifier.train_step

        def train_step(*arguments):
            data = arguments[-1][0] if isinstance(arguments[-1], tuple) else arguments[-1]
            for key, value in data.items():
                seen[key, keras.backend.standardize_dtype(value.dtype), tuple(value.shape)] = True
            return step(*arguments)

        classifier.train_step = train_step

    watcher = keras.callbacks.Callback()
    watcher.set_model = watch  # called before the step is compiled
    fit.train(run, callbacks=[watcher])
    return sorted([key, dtype, list(shape)] for key, dtype, shape in seen)


def compiled_by_jax(name: str) -> dict:
    """The step of the recipe's augmentation: what goes in, what it calls, some losses."""
    import jax

    classifier = build(tiny.recipe(**changes_of(name), training_jit="on"))
    state = [
        [variable.value for variable in variables]
        for variables in (
            classifier.trainable_variables,
            classifier.non_trainable_variables,
            classifier.optimizer.variables,
            classifier.metrics_variables,
        )
    ]
    step = jax.jit(classifier.train_step)
    text = step.lower(state, batch()).as_text()
    batches = jax.device_put([batch() for _ in range(3)])
    _, state = step(state, batches[0])
    with jax.transfer_guard("disallow"):
        logs = []
        for data in batches:
            log, state = step(state, data)
            logs.append(log["loss"])
    return {
        "calls": sorted(set(re.findall(r"stablehlo.custom_call @(\w+)", text))),
        "losses": [float(loss) for loss in logs],
        "refused": _host_copy_is_refused(step, state),
    }


def _host_copy_is_refused(step, state) -> bool:
    """Whether JAX would have told of an array that comes from the host."""
    import jax

    with jax.transfer_guard("disallow"):
        try:
            step(state, batch())
        except Exception as error:
            return "Disallowed host-to-device transfer" in str(error)
    return False


def resumed_run(folder: Path, callbacks: list, **changes) -> bool:
    """Whether a run that was interrupted after 6 of 10 steps ends as one that was not."""
    whole, parts = (tiny.start_run(folder, name, **changes) for name in ("whole", "parts"))
    fit.train(whole, callbacks=callbacks)
    with suppress(KeyboardInterrupt):
        fit.train(parts, callbacks=[*callbacks, tiny.InterruptAt(6)])
    assert parts.last_checkpoint.exists() and not parts.model_file.exists()
    fit.train(parts, resume=True, callbacks=callbacks)
    return same_arrays(whole.last_checkpoint, parts.last_checkpoint)


class StartScale(StepCallback):
    """Begin a run with a loss scale at which gradients overflow, or soon will."""

    def __init__(self, scale: float, growth_steps: int = 2000) -> None:
        super().__init__()
        self.scale = scale
        self.growth_steps = growth_steps

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.model.optimizer.dynamic_growth_steps = self.growth_steps
        if self.step == 0:
            self.model.optimizer.dynamic_scale.assign(self.scale)


def same_arrays(one: Path, other: Path) -> bool:
    """Whether two checkpoints hold the same arrays, bit for bit, whatever their notes say."""
    with np.load(one) as a, np.load(other) as b:
        names = set(a.files) - {"note"}
        return names == set(b.files) - {"note"} and all(
            a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes()
            for name in names
        )


def main(folder: Path) -> None:
    run = tiny.start_run(folder / "seen", training_steps=4, training_jit="on")
    report = {
        "backend": keras.backend.backend(),
        "seen": seen_by_the_step(run),
        "without_chance": {name: steps_without_chance(name) for name in OPTIMIZERS},
        "scaled": {name: scaled_steps(name, jit_compile=True) for name in OPTIMIZERS},
        "recipes": {name: compiled_by_jax(name) for name in NAMES},
    }
    changes = {"training_precision": "mixed_float16", "training_steps": 10, "training_jit": "on"}
    report["resumed"] = resumed_run(folder, [StartScale(2.0**27, growth_steps=2)], **changes)
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
