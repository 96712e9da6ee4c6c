"""Make BiT-M-C: BiT-M ResNet-50x1 fine-tuned on CIFAR-10, as a .npz in the published layout.

    python experiments/make_bit_m_c.py --out BiT-M-R50x1-CIFAR10.npz
    covid-keras train ct-bit --weights BiT-M-R50x1-CIFAR10.npz ...

Follows google-research/big_transfer: BiT-HyperRule for a set of 50,000 small images (resize to
160, random crop of 128, flip, mixup 0.1, batch 512, learning rate 0.003, 10,000 steps). Its README
gives 97.2 to 97.4 % on the test images for batch 128 and learning rate 0.001, the lighter
setting: `--batch 128 --learning-rate 0.001`. Needs a GPU: on two cores 10,000 steps take days.
"""

import argparse
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from covid_keras.models.bit import npz_name
from covid_keras.models.create import create_model
from covid_keras.models.weights.layout import Slot
from covid_keras.recipes.config import stretched
from covid_keras.training.schedule import WarmupStepDecay
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path

SCHEDULE = (500, 3000, 6000, 9000, 10000)
RESIZE, CROP, MIXUP, CLASSES = 160, 128, 0.1, 10

Arrays = tuple[np.ndarray, np.ndarray]


def load_cifar10(path: Path | None) -> tuple[Arrays, Arrays]:
    """Return (images, labels) of train and of test: uint8 (N, 32, 32, 3) and int (N,).

    Args:
        path: a .npz with x_train, y_train, x_test, y_test; None lets Keras download the set.

    Raises:
        InputError: the file is missing or lacks an array.
    """
    if path is None:
        (x, y), (x_test, y_test) = keras.datasets.cifar10.load_data()
        return (x, y.ravel()), (x_test, y_test.ravel())
    try:
        with np.load(path, allow_pickle=False) as file:
            train, test = ((file[f"x_{s}"], file[f"y_{s}"].ravel()) for s in ("train", "test"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: expected a .npz with x_train, y_train, x_test, y_test: {error}"
        ) from error
    return train, test


def training_batches(data: Arrays, batch: int, steps: int, seed: int) -> tf.data.Dataset:
    """Return batches: float32 (batch, 128, 128, 3) in [-1, 1], and mixed labels (batch, 10)."""
    lambdas = np.random.default_rng(seed).beta(MIXUP, MIXUP, steps).astype("float32")

    def augment(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.image.resize(image, (RESIZE, RESIZE))
        image = tf.image.random_flip_left_right(tf.image.random_crop(image, (CROP, CROP, 3)))
        return (image - 127.5) / 127.5, tf.one_hot(label, CLASSES)

    def mixup(batch: tuple[tf.Tensor, tf.Tensor], part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, label = (part * x + (1 - part) * tf.reverse(x, [0]) for x in batch)
        return image, label

    images = tf.data.Dataset.from_tensor_slices(data).repeat()
    images = images.shuffle(min(len(data[0]), 50_000), seed=seed)
    images = images.map(augment, tf.data.AUTOTUNE).batch(batch, drop_remainder=True)
    mixed = tf.data.Dataset.zip(images, tf.data.Dataset.from_tensor_slices(lambdas)).map(mixup)
    return mixed.prefetch(2)


def test_batches(data: Arrays, batch: int) -> tf.data.Dataset:
    """Return batches of every image once, resized to 128 x 128."""

    def prepare(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.image.resize(image, (CROP, CROP))
        return (image - 127.5) / 127.5, tf.one_hot(label, CLASSES)

    return tf.data.Dataset.from_tensor_slices(data).map(prepare).batch(batch).prefetch(2)


def fine_tune(
    model: keras.Model, data: Arrays, *, batch: int, steps: int, learning_rate: float, seed: int
) -> None:
    """Train by SGD with momentum 0.9 over the schedule of BiT-HyperRule, stretched to `steps`."""
    keras.utils.set_random_seed(seed)
    model.compile(
        keras.optimizers.SGD(learning_rate, momentum=0.9),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    schedule = WarmupStepDecay(learning_rate, stretched(SCHEDULE, steps))
    batches = training_batches(data, batch, steps, seed)
    model.fit(batches, steps_per_epoch=steps, callbacks=[schedule])


def save_npz(model: keras.Model, path: Path) -> None:
    """Write a BiT with the linear head in the layout of the published files, atomically."""
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("head").weights)
    tensors = {"resnet/head/conv2d/kernel": kernel[None, None], "resnet/head/conv2d/bias": bias}
    for layer in model.layers:
        if layer.name != "head":
            slots = [Slot(layer, index, weight) for index, weight in enumerate(layer.weights)]
            tensors |= {npz_name(slot): np.asarray(slot.variable) for slot in slots}
    with atomic_path(path) as temporary:
        np.savez(temporary, **tensors)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    out = Path("BiT-M-R50x1-CIFAR10.npz")
    add("--out", type=Path, default=out, metavar="FILE", help="default: %(default)s")
    add("--weights", default="bit-m", metavar="W", help="bit-m, or your copy of its .npz")
    text = ".npz with x_train, y_train, x_test, y_test; default: CIFAR-10, which Keras downloads"
    add("--data", type=Path, metavar="FILE", help=text)
    training = {"steps": SCHEDULE[-1], "batch": 512, "learning_rate": 0.003, "seed": 0}
    for name, default in training.items():
        option = f"--{name.replace('_', '-')}"
        add(option, type=type(default), default=default, metavar="N", help="default: %(default)s")
    options = parser.parse_args()
    try:
        train, test = load_cifar10(options.data)
        model = create_model("bit_r50x1", classes=CLASSES, weights=options.weights)
        fine_tune(model, train, **{name: getattr(options, name) for name in training})
        save_npz(model, options.out)
    except InputError as error:
        parser.exit(1, f"error: {error}\n")
    _, accuracy = model.evaluate(test_batches(test, options.batch))
    print(f"{options.out}: {100 * accuracy:.2f} % of {len(test[0]):,} test images correct")


if __name__ == "__main__":
    main()
