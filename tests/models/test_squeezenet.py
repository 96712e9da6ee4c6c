"""SqueezeNet's own: pooling as in Caffe, its published classifier, its authors' weights."""

import json
from pathlib import Path

import cv2
import h5py
import keras
import numpy as np
import pytest
import torchvision_weights
from keras import layers
from safetensors.numpy import save_file

from covid_keras.models import registry
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.squeezenet import max_pool
from covid_keras.utils.errors import InputError

ORACLES = Path(__file__).parents[1] / "oracles"

CATS = {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"}
ESPRESSO = 967


@pytest.fixture(scope="module")
def caffe_1_0(shared_data) -> str:
    return str(shared_data / "weights/squeezenet_v1.0_deepcompressed_decoded_caffe_NCHW.npz")


@pytest.fixture(scope="module")
def keras_1_1(shared_data) -> str:
    return str(shared_data / "weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5")


def test_every_side_pools_as_in_caffe():
    """A last window that covers two of its three pixels counts; one that covers one does not."""
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, max_pool(inputs, "pool"))
    generator = np.random.default_rng(0)
    for side in range(2, 14):
        x = generator.uniform(0, 1, (1, side, side + 1, 1)).astype("float32")
        rows, columns = (-(-(n - 3) // 2) + 1 for n in x.shape[1:3])
        expected = [
            [x[0, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max() for j in range(columns)]
            for i in range(rows)
        ]
        np.testing.assert_array_equal(np.asarray(model(x))[0, ..., 0], expected)


@pytest.mark.parametrize("name", ["squeezenet", "squeezenet1_1"])
def test_published_classifier_equals_torchvision(tmp_path, name):
    with np.load(ORACLES / "torchvision.npz") as recorded:
        shapes = json.loads(recorded[f"{name}_shapes"].tobytes())
        expected = recorded[f"{name}_outputs"]
    state = {key: torchvision_weights.tensor(key, tuple(shapes[key])) for key in shapes}
    path = tmp_path / "model.safetensors"
    save_file(state, path)
    model = create_model(name, classes=1000, head="original", dropout=0.5, weights=str(path))
    found = np.asarray(model(torchvision_weights.images(97, 75)))
    assert np.abs(found - expected).max() < 1e-4 * expected.max()
    other = create_model(name, classes=10, head="original", weights=str(path))
    kernel, bias = other.get_layer("head").get_weights()
    assert np.abs(kernel).max() <= 512**-0.5 and np.abs(bias).min() > 0, "new, as PyTorch's"
    np.testing.assert_array_equal(other.weights[0], model.weights[0])


def photo(name: str) -> np.ndarray:
    """float32 (1, 227, 227, 3): BGR less the mean in whole numbers."""
    image = cv2.resize(cv2.imread(str(ORACLES / name)), (227, 227), interpolation=cv2.INTER_AREA)
    return (image - np.float32([104, 117, 123]))[None].astype("float32")


def test_real_weights_know_real_photographs(caffe_1_0):
    numbers = registry.preprocessing("squeezenet", caffe_1_0)
    assert (numbers.order, numbers.offset, numbers.scale) == ("BGR", (104, 117, 123), (1, 1, 1))
    model = create_model(
        "squeezenet", classes=1000, head="original", activation="softmax", weights=caffe_1_0
    )
    cat = np.asarray(model(photo("cat.jpg")))[0]
    assert cat.sum() == pytest.approx(1, abs=1e-5)
    assert cat.argmax() in CATS
    assert sum(cat[index] for index in CATS) > 0.99  # 0.996; Egyptian cat alone 0.894
    coffee = np.asarray(
        model(np.concatenate([photo("coffee.jpg"), photo("coffee.jpg")[..., ::-1]]))
    )
    assert coffee[0, ESPRESSO] > 0.99  # 0.9986
    assert coffee[1, ESPRESSO] < 0.5  # with its colours in the wrong order


def keras_squeezenet(path: str) -> keras.Model:
    """SqueezeNet 1.1 as the package keras-squeezenet builds it: floor of the sides in pooling."""
    with h5py.File(path, "r") as file:

        def weights(layer: str) -> list[np.ndarray]:
            return [file[layer][name][()] for name in file[layer].attrs["weight_names"]]

        def conv(x, filters, side, strides, padding, name):
            layer = layers.Conv2D(filters, side, strides, padding, activation="relu")
            y = layer(x)
            layer.set_weights(weights(name))
            return y

        inputs = keras.Input((None, None, 3))
        x = layers.MaxPooling2D(3, 2)(conv(inputs, 64, 3, 2, "valid", "conv1"))
        for number, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64), start=2):
            name = f"fire{number}"
            x = conv(x, squeezed, 1, 1, "valid", f"{name}/squeeze1x1")
            left = conv(x, 4 * squeezed, 1, 1, "valid", f"{name}/expand1x1")
            right = conv(x, 4 * squeezed, 3, 1, "same", f"{name}/expand3x3")
            x = layers.Concatenate()([left, right])
            if number in (3, 5):
                x = layers.MaxPooling2D(3, 2)(x)
    return keras.Model(inputs, x)


def test_keras_squeezenet_1_1(keras_1_1):
    """Equal where all windows are whole; with others Caffe and torchvision have a larger map."""
    assert registry.preprocessing("squeezenet1_1", keras_1_1).name == "caffe"
    model, reference = (
        create_backbone("squeezenet1_1", weights=keras_1_1),
        keras_squeezenet(keras_1_1),
    )
    images = 50 * torchvision_weights.images(111, 79)
    found, expected = np.asarray(model(images)), np.asarray(reference(images))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * expected.max()
    images = np.zeros((1, 227, 227, 3), "float32")
    assert (model(images).shape[1], reference(images).shape[1]) == (14, 13)


def test_weights_of_the_other_version(caffe_1_0, keras_1_1):
    with pytest.raises(InputError, match=r"conv1/W: expected shape \(64, 3, 3, 3\), found"):
        create_backbone("squeezenet1_1", weights=caffe_1_0)
    with pytest.raises(InputError, match=r"conv1/0: expected shape \(7, 7, 3, 96\), found"):
        create_backbone("squeezenet", weights=keras_1_1)
