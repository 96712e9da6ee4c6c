"""The table of networks, and that it answers without Keras."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from covid_keras.models import registry
from covid_keras.models.create import create_backbone, create_model
from covid_keras.models.network import PREPROCESSING
from covid_keras.models.registry import list_models
from covid_keras.utils.errors import InputError


def test_table_needs_no_keras():
    program = (
        "import sys; from covid_keras import models; from covid_keras.models import registry; "
        "print(registry.table()); registry.card('bit_r50x1'); "
        "assert not {'keras', 'tensorflow', 'h5py', 'pooch'} & set(sys.modules), sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:5] == ["bit_r50x1", "480x480", "tf", "23.50", "M"]


def test_list_models_is_the_table():
    assert list_models()[0] == "bit_r50x1"
    assert all(registry.get(name).name == name for name in list_models())


def test_five_initialisations_of_paper_a():
    row = registry.get("bit_r50x1")
    assert set(row.weights) == {"bit-s", "bit-m", "bit-m-ilsvrc2012", "bit-m-cifar10"}
    bucket = "https://storage.googleapis.com/bit_models/BiT-M-R50x1"
    assert row.weights["bit-m"].address == f"{bucket}.npz"
    assert row.weights["bit-m-ilsvrc2012"].address == f"{bucket}-ILSVRC2012.npz"


def test_preprocessing_maps_grey_to_minus_one_and_one():
    numbers = registry.get("bit_r50x1").preprocessing
    grey = np.array([0, 255])[:, None].repeat(3, axis=1)
    np.testing.assert_array_equal((grey - numbers.offset) / numbers.scale, [[-1] * 3, [1] * 3])


def test_unknown_network_names_the_near_misses():
    with pytest.raises(InputError, match=r"'bit_r50' is unknown; did you mean .*bit_r50x1"):
        create_backbone("bit_r50")


def test_unknown_head_and_no_class():
    with pytest.raises(InputError, match="head 'linaer' is unknown; did you mean linear"):
        create_model("bit_r50x1", classes=3, head="linaer")
    with pytest.raises(InputError, match="Received: classes=0"):
        create_model("bit_r50x1", classes=0)


def test_one_channel_is_refused():
    with pytest.raises(InputError, match=r"expected an input shape \(height, width, 3\)"):
        create_backbone("bit_r50x1", input_shape=(64, 64, 1))


def test_documentation_holds_the_table():
    text = (Path(__file__).parents[2] / "docs" / "reference" / "networks.md").read_text()
    assert f"```\n{registry.table()}\n```" in text


@pytest.mark.parametrize("name", list(registry.NETWORKS))
def test_card_says_where_the_weights_come_from(name):
    row, text = registry.get(name), registry.card(name)
    assert f"{row.parameters:,} trainable" in text and row.preprocessing.name in text
    for source, weights in row.weights.items():
        assert f"weights {source}: {weights.source}" in text
        assert weights.address in text and f"licence {weights.licence}" in text
    assert f"freeze         {', '.join(row.freezes[1:])}" in text


def test_preprocessing_follows_the_weights():
    def chosen(*arguments):
        return registry.preprocessing(*arguments).name

    assert chosen("resnet50") == chosen("resnet50", "imagenet") == "caffe"
    assert chosen("squeezenet", "imagenet") == "torch"
    assert chosen("squeezenet", "some/folder/caffe.npz") == "caffe-whole"
    assert chosen("squeezenet1_1", "squeezenet.h5") == "caffe"
    assert chosen("squeezenet1_1", "own.weights.h5") == "torch"
    assert chosen("squeezenet", "caffe.npz", "tf") == "tf"
    assert chosen("hub:somewhere") == "unit"


@pytest.mark.parametrize("name", ["tf", "torch", "caffe"])
def test_preprocessing_is_keras_applications(name):
    from keras.src.applications.imagenet_utils import preprocess_input

    grey = np.arange(0, 256, 5, dtype="float32")[:, None, None, None].repeat(3, axis=-1)
    numbers = PREPROCESSING[name]
    ours = (grey - np.array(numbers.offset)) / np.array(numbers.scale)
    np.testing.assert_allclose(ours, preprocess_input(grey.copy(), mode=name), atol=1e-5)
