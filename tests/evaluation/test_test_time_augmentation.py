"""Test-time augmentation draws what training draws."""

import keras
import numpy as np

from covid_keras import recipes
from covid_keras.evaluation.test_time_augmentation import AugmentAlways
from covid_keras.recipes.settings import override
from covid_keras.training.classifier import Augment


def test_samples_are_augmented_at_inference_as_in_training():
    recipe = recipes.get("ct-networks")
    recipe = override(recipe, {"input.resize": 20, "input.crop": 16})
    images = np.random.default_rng(0).integers(0, 255, (4, 20, 20, 1), dtype=np.uint8)
    inputs = keras.Input((20, 20, 1), dtype="uint8")
    found = keras.Model(inputs, AugmentAlways(recipe)(inputs)).predict(images, verbose=0)
    drawn = keras.ops.convert_to_numpy(Augment(recipe)(images, training=True))
    assert np.abs(drawn.astype(float) - images[:, 2:18, 2:18]).max() > 1
    np.testing.assert_allclose(found, drawn, atol=1e-3)
