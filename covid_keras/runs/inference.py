"""From a trained run to probabilities and features."""

import zipfile
import zlib
from dataclasses import dataclass
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
from covid_keras.recipes.config import Recipe
from covid_keras.runs.folder import Run
from covid_keras.utils.backend import gpu_count
from covid_keras.utils.errors import InputError
from covid_keras.utils.progress import progress


@dataclass(frozen=True)
class Trained:
    """A network with all that is needed to feed it and to read its answer."""

    network: keras.Model
    recipe: Recipe
    classes: tuple[str, ...]
    stamps: list[str]

    @property
    def preprocessing(self) -> Preprocessing:
        return PREPROCESSING[self.recipe.model.preprocessing]

    def slices(self, records: pd.DataFrame, root: Path) -> Samples:
        """The records as the network's input, without augmentation."""
        return Samples(records, root, self.classes, self.recipe.input, self.recipe.input.crop)


def load_trained(path: Path) -> Trained:
    """The network of a run folder, or of the model.keras inside one.

    Raises:
        InputError: not a run folder, or a damaged one, or the run has not finished.
    """
    run = Run(path.parent if path.suffix == ".keras" else path)
    recipe = run.recipe()
    if not run.model_file.exists():
        raise InputError(f"{run.model_file}: not found: the run has not finished; --resume it")
    return Trained(_load(run.model_file, recipe.model.name), recipe, run.classes(), run.stamps())


def probabilities(trained: Trained, slices: Samples, label: str = "predict") -> np.ndarray:
    """float32 (N, K): class probabilities of every slice, in the order of the records."""
    return predict_slices(
        probability_model(trained.network, trained.preprocessing), trained, slices, label
    )


def features(trained: Trained, slices: Samples) -> np.ndarray:
    """float32 (N, D): the pooled features of the last feature map, in the order of the records."""
    return predict_slices(
        feature_model(trained.network, trained.preprocessing), trained, slices, "features"
    )


def probability_model(network: keras.Model, preprocessing: Preprocessing) -> keras.Model:
    """uint8 slices (B, h, w, 1) to float32 probabilities (B, K).

    Evaluation, prediction and every export run this graph: the folded copy of the network, which
    gives logits. A network with one logit gets two columns, that of the second class last.
    """
    slices, images = _normalised_input(network, preprocessing)
    return keras.Model(slices, class_probabilities(fold(network)(images)))


def feature_model(network: keras.Model, preprocessing: Preprocessing) -> keras.Model:
    """uint8 slices (B, h, w, 1) to float32 pooled features (B, D), of the folded network.

    They are the mean over the feature map "features", or that layer's vector.
    """
    slices, images = _normalised_input(network, preprocessing)
    folded = fold(network)
    features = keras.Model(folded.input, folded.get_layer("features").output)(images)
    return keras.Model(slices, pooled(features))


def _load(path: Path, name: str) -> keras.Model:
    try:
        return load_model(path, name)
    except InputError:
        raise
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: damaged, or of another version: {reason}") from error


def _normalised_input(network: keras.Model, preprocessing: Preprocessing):
    slices = keras.Input((*network.input_shape[1:3], 1), dtype="uint8", name="slices")
    return slices, Normalise(preprocessing.offset, preprocessing.scale)(slices)


def predict_slices(model: keras.Model, trained: Trained, slices: Samples, label: str) -> np.ndarray:
    """What `model` makes of every slice, in the order of the records, with a bar named `label`."""
    batch = min(trained.recipe.training.batch, len(slices))
    if keras.config.backend() == "tensorflow":
        model.jit_compile = gpu_count() > 0  # Keras would take XLA on a CPU too, where it is slower
    with batch_loader() as loader, progress(label, total=len(slices)) as bar:
        shown = keras.callbacks.LambdaCallback(
            on_predict_batch_end=lambda number, logs: bar.update(
                min((number + 1) * batch, len(slices)) - bar.n
            )
        )
        images = loader.images(evaluation_batches(slices, batch))
        outputs = model.predict(images, callbacks=[shown], verbose=0)
    if len(outputs) != len(slices):
        raise RuntimeError(f"{len(slices)} images gave {len(outputs)} predictions")
    return outputs
