"""Crop, flip, mixup and normalisation: what they do, that they are seeded, XLA and JAX."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from covid_keras.models.layers import Normalise
from covid_keras.training.augmentation import Mixup, RandomCropFlip

IMAGES = np.arange(6 * 20 * 24, dtype=np.int64).reshape(6, 20, 24, 1)


def crops_of(image: np.ndarray, size: int) -> dict[bytes, tuple]:
    """Every crop of an image, plain and mirrored, by its bytes."""
    found = {}
    for y in range(image.shape[0] - size + 1):
        for x in range(image.shape[1] - size + 1):
            part = image[y : y + size, x : x + size]
            found[part.tobytes()] = (y, x, False)
            found[np.ascontiguousarray(part[:, ::-1]).tobytes()] = (y, x, True)
    return found


def test_crops_are_real_crops_drawn_for_each_image():
    layer = RandomCropFlip(16, 16, flip=True, seed=0)
    drawn = []
    for _ in range(40):
        out = keras.ops.convert_to_numpy(layer(IMAGES, training=True))
        assert out.shape == (6, 16, 16, 1)
        drawn += [crops_of(IMAGES[n], 16)[out[n].tobytes()] for n in range(6)]
    rows, columns, mirrored = np.array(drawn).T
    assert set(rows) == set(range(5)) and set(columns) == set(range(9))
    assert 0.4 < mirrored.mean() < 0.6
    assert len(set(drawn[:6])) > 1


def test_no_mirror_without_flip():
    layer = RandomCropFlip(16, 16, flip=False, seed=0)
    for _ in range(10):
        out = keras.ops.convert_to_numpy(layer(IMAGES, training=True))
        assert not any(crops_of(IMAGES[n], 16)[out[n].tobytes()][2] for n in range(6))


def test_crop_keeps_uint8_and_is_off_at_inference():
    layer = RandomCropFlip(16, 16, flip=True, seed=0)
    images = (IMAGES % 251).astype(np.uint8)
    assert layer(images, training=True).dtype == tf.uint8
    np.testing.assert_array_equal(layer(images[:, :16, :16], training=False), images[:, :16, :16])


def test_mixup_draws_one_weight_a_batch_against_the_reversed_batch():
    layer = Mixup(0.1, seed=0)
    images = np.random.default_rng(0).normal(size=(5, 4, 4, 3)).astype("float32")
    targets = np.eye(5, dtype="float32")
    for _ in range(20):
        mixed, labels = (np.asarray(v) for v in layer(images, targets, training=True))
        weight = labels[0, 0]
        np.testing.assert_allclose(
            labels, weight * targets + (1 - weight) * targets[::-1], atol=1e-6
        )
        np.testing.assert_allclose(mixed, weight * images + (1 - weight) * images[::-1], atol=1e-5)
    for unchanged in (layer(images, targets), Mixup(0.0, seed=0)(images, targets, training=True)):
        np.testing.assert_array_equal(unchanged[0], images)
        np.testing.assert_array_equal(unchanged[1], targets)


def test_mixup_weights_follow_the_beta_distribution():
    """Kolmogorov-Smirnov on the smaller share, which float32 resolves at both ends."""
    layer = Mixup(0.1, seed=0)
    draw = tf.function(lambda: tf.stack([layer.draw_weight() for _ in range(100)]))
    weights = np.concatenate([draw().numpy() for _ in range(30)]).astype(float)
    beta = stats.beta(0.1, 0.1)
    inner = weights[(weights > 1e-6) & (weights < 1 - 1e-6)]
    low, high = beta.cdf(1e-6), beta.cdf(1 - 1e-6)
    truncated = stats.kstest(inner, lambda x: (beta.cdf(x) - low) / (high - low))
    assert truncated.pvalue > 0.01
    assert len(inner) / len(weights) == pytest.approx(high - low, abs=0.03)
    assert weights.mean() == pytest.approx(0.5, abs=0.03)


def test_normalise_gives_three_equal_channels_in_minus_one_to_one():
    images = np.array([0, 127.5, 255], np.float32).reshape(1, 1, 3, 1)
    out = np.asarray(Normalise(127.5, 127.5)(images))
    np.testing.assert_allclose(out[0, 0], [[-1] * 3, [0] * 3, [1] * 3])
    out = np.asarray(Normalise((0.0, 10.0, 20.0), (1.0, 2.0, 4.0))(images))
    np.testing.assert_allclose(out[0, 0, 2], [255, 122.5, 58.75])


def test_the_seed_decides_and_the_state_continues():
    first, second, other = (RandomCropFlip(16, 16, True, seed) for seed in (3, 3, 4))
    one = [np.asarray(first(IMAGES, training=True)) for _ in range(3)]
    two = [np.asarray(second(IMAGES, training=True)) for _ in range(3)]
    np.testing.assert_array_equal(one, two)
    assert (one[0] != one[1]).any()
    assert (np.asarray(other(IMAGES, training=True)) != one[0]).any()


@pytest.mark.parametrize(
    "layer",
    [RandomCropFlip(16, 16, True, 3), Mixup(0.2, 1), Normalise((1.0, 2.0, 3.0), 2.0)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_are_serialisable_and_leave_xla_on(layer):
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())
    assert layer.supports_jit


def augment(images, targets):
    """The whole chain, with fresh layers."""
    crop, normalise, mixup = RandomCropFlip(16, 16, True, 0), Normalise(127.5, 127.5), Mixup(0.5, 1)
    return lambda: mixup(normalise(crop(images, training=True)), targets, training=True)


def test_xla_draws_the_same_numbers():
    targets = np.eye(6, dtype="float32")
    plain = tf.function(augment(IMAGES, targets))
    compiled = tf.function(augment(IMAGES, targets), jit_compile=True)
    for _ in range(3):
        for one, other in zip(plain(), compiled(), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


JAX = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import jax
from covid_keras.models.layers import Normalise
from covid_keras.training.augmentation import Mixup, RandomCropFlip
crop, normalise, mixup = RandomCropFlip(16, 16, True, 0), Normalise(127.5, 127.5), Mixup(0.5, 1)
images = np.random.default_rng(0).integers(0, 256, (6, 20, 24, 1), np.uint8)
targets = np.eye(6, dtype="float32")
out, labels = mixup(normalise(crop(images, training=True)), targets, training=True)
weight = float(labels[0, 0])
assert out.shape == (6, 16, 16, 3) and isinstance(out, jax.Array)
np.testing.assert_allclose(labels, weight * targets + (1 - weight) * targets[::-1], atol=1e-6)
print("ok")
"""


@pytest.mark.slow
def test_runs_on_jax():
    pytest.importorskip("jax", reason="the extra jax is not installed")
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", JAX, root], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "ok", done.stderr
