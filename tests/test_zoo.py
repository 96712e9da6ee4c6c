"""The table of networks, and that it answers without Keras."""

import subprocess
import sys

import numpy as np
import pytest

from covid_keras.errors import InputError
from covid_keras.models import create_backbone, create_model, list_models, zoo


def test_table_needs_no_keras():
    program = (
        "import sys; from covid_keras import models; from covid_keras.models import table; "
        "print(table.table()); "
        "assert not {'keras', 'tensorflow', 'h5py', 'pooch'} & set(sys.modules), sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:5] == ["bit_r50x1", "480x480", "23.50", "M", "2048"]


def test_list_models_is_the_table():
    assert list_models()[0] == "bit_r50x1"
    assert all(zoo.get(name).name == name for name in list_models())


def test_five_initialisations_of_paper_a():
    row = zoo.get("bit_r50x1")
    assert set(row.weights) == {"bit-s", "bit-m", "bit-m-ilsvrc2012", "bit-m-cifar10"}
    bucket = "https://storage.googleapis.com/bit_models/BiT-M-R50x1"
    assert row.weights["bit-m"].address == f"{bucket}.npz"
    assert row.weights["bit-m-ilsvrc2012"].address == f"{bucket}-ILSVRC2012.npz"


def test_preprocessing_maps_grey_to_minus_one_and_one():
    numbers = zoo.get("bit_r50x1").preprocessing
    grey = np.array([0, 255])[:, None].repeat(numbers.channels, axis=1)
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
