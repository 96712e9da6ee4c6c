"""Load the trained network of a run, and compute probabilities and features."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from covid_keras.models.create import load_model
from covid_keras.models.fold import fold
from covid_keras.models.heads import class_probabilities, pooled
from covid_keras.models.layers import Normalise
from covid_keras.models.network import PREPROCESSING, Preprocessing
from covid_keras.pipeline.batches import evaluation_batches
from covid_keras.pipeline.loader import batch_loader
from covid_keras.pipeline.samples import Samples
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.runs.run import Run
from covid_keras.utils.backend import gpu_count
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json_value
from covid_keras.utils.progress import progress


@dataclass(frozen=True)
class Trained:
    """A trained network, and what is needed to prepare its input and to name its outputs."""

    network: keras.Model
    """Normalised images to logits."""
    recipe: Recipe
    classes: tuple[str, ...]
    stamps: list[str]
    run: Run | None = None
    """The run that it is of; None for a network of other origin."""

    @property
    def preprocessing(self) -> Preprocessing:
        """Return the preprocessing that the network's weights expect."""
        return PREPROCESSING[self.recipe.model.preprocessing]

    @cached_property
    def probability_model(self) -> keras.Model:
        """Return the model of `probability_model`, made and compiled once a network."""
        return _kept_model(self.network, self.preprocessing)

    def answer(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs of `answer_model` for uint8 samples (B, h, w, 1)."""
        model = _kept_answer_model(self.network, self.preprocessing)
        return _without_slow_xla(model).predict_on_batch(images)

    def samples(self, records: pd.DataFrame, root: Path) -> Samples:
        """Return the records as samples at the network's input size."""
        spec = self.recipe.input
        return Samples(records, root, self.classes, **spec.geometry(spec.crop))


def load_trained(path: Path, precision: str = "") -> Trained:
    """Load the network of a run folder, or of the model.keras inside one.

    The network is built from recipe.json, and model.keras gives its weights: nothing that the
    file's own configuration names is run.

    Args:
        precision: a dtype policy of Keras; "" is the one that the run was trained with.

    Raises:
        InputError: not a run folder, or a damaged one, or the run has not finished.
    """
    run = Run.of(path)
    recipe, classes = run.recipe(), run.classes()
    if not run.model_file.exists():
        raise InputError(f"{run.model_file}: not found: the run has not finished; --resume it")
    run.check()
    digest = read_json_value(run.fingerprint_file, "hashes", dict)["network"]
    arguments = network_arguments(recipe, len(classes))
    network = _network(run.model_file, digest, precision or recipe.training.precision, **arguments)
    return Trained(network, recipe, classes, run.stamps(), run)


@lru_cache(maxsize=1)
def _network(file: Path, digest: str, precision: str, **arguments: object) -> keras.Model:
    """Load the network, and keep the last one: evaluate, explain and predict follow each other.

    `digest`: SHA-256 of the file, which is read anew when it changes.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return load_model(file, **arguments)
    finally:
        keras.config.set_dtype_policy(policy)


def network_arguments(recipe: Recipe, classes: int) -> dict:
    """Return the arguments of `create_model` for the recipe's network, without its weights."""
    model = recipe.model
    return {
        "name": model.name,
        "classes": 1 if model.activation == "sigmoid" else classes,
        "input_shape": (*height_width(recipe.input.crop), 3),
        "head": model.head,
        "dropout": model.dropout,
        "freeze": model.freeze,
    }


def probabilities(trained: Trained, samples: Samples, label: str = "predict") -> np.ndarray:
    """Return the class probabilities, float32 (N, K), in the order of the records."""
    return predict_samples(trained.probability_model, trained, samples, label)


def features(trained: Trained, samples: Samples) -> np.ndarray:
    """Return the pooled features, float32 (N, D), in the order of the records."""
    model = _kept_feature_model(trained.network, trained.preprocessing)
    return predict_samples(model, trained, samples, "features")


def answer_model(network: keras.Model, preprocessing: Preprocessing) -> keras.Model:
    """Return a model from uint8 samples (B, h, w, 1) to probabilities and features, float32.

    {"probabilities": (B, K), "features": (B, D)}. Evaluation, prediction and every export run this
    graph, with the folded copy of the network. A network with one logit gets two columns, that of
    the second class last. The features are the mean over the feature map of the layer "features",
    or its vector.
    """
    samples = keras.Input((*network.input_shape[1:3], 1), dtype="uint8", name="samples")
    images = Normalise(preprocessing.offset, preprocessing.scale)(samples)
    folded = fold(network)
    parts = keras.Model(folded.input, [folded.output, folded.get_layer("features").output])
    logits, features = parts(images)
    answer = {"probabilities": class_probabilities(logits), "features": pooled(features)}
    return keras.Model(samples, answer)


_kept_answer_model = lru_cache(maxsize=1)(answer_model)


def probability_model(network: keras.Model, preprocessing: Preprocessing) -> keras.Model:
    """Return the part of `answer_model` that gives the probabilities."""
    model = _kept_answer_model(network, preprocessing)
    return keras.Model(model.input, model.output["probabilities"])


_kept_model = lru_cache(maxsize=1)(probability_model)


def feature_model(network: keras.Model, preprocessing: Preprocessing) -> keras.Model:
    """Return the part of `answer_model` that gives the features."""
    model = _kept_answer_model(network, preprocessing)
    return keras.Model(model.input, model.output["features"])


_kept_feature_model = lru_cache(maxsize=1)(feature_model)


def predict_samples(
    model: keras.Model, trained: Trained, samples: Samples, label: str
) -> np.ndarray:
    """Return the outputs of `model` for every sample, in the order of the records.

    Args:
        model: uint8 samples (B, h, w, 1) to outputs (B, ...).
        trained: its recipe gives the size of the batches.
        samples: at the model's input size.
        label: of the progress bar.
    """
    batch = trained.recipe.training.batch
    model = _without_slow_xla(model)
    with batch_loader() as loader, progress(label, total=len(samples)) as bar:
        shown = keras.callbacks.LambdaCallback(
            on_predict_batch_end=lambda number, logs: bar.update(min(batch, len(samples) - bar.n))
        )
        images = loader.images(evaluation_batches(samples, batch, fill=True))
        outputs = model.predict(images, callbacks=[shown], verbose=0)
    if len(outputs) != -(-len(samples) // batch) * batch:
        raise RuntimeError(f"expected {len(samples)} predictions. Received: {len(outputs)}")
    return outputs[: len(samples)]


def _without_slow_xla(model: keras.Model) -> keras.Model:
    """Return the model, which on a CPU does not use XLA, as Keras would by default."""
    if keras.config.backend() == "tensorflow":
        model.jit_compile = gpu_count() > 0
    return model
