"""Weights files from elsewhere: what is more than tensors is never run, read or unpacked."""

import json

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras import layers

from covid_keras.models.weights import readers
from covid_keras.models.weights.load import load_weights
from covid_keras.models.weights.readers import read_legacy_h5, read_own, read_savedmodel
from covid_keras.utils.errors import InputError


def every(name: str) -> bool:
    """Want every tensor."""
    return True


def model() -> keras.Model:
    images = keras.Input((16, 16, 3))
    return keras.Model(images, tiny.graph(images))


@pytest.fixture
def own(tmp_path):
    """The file of weights of a small network, for a test to change."""
    path = tmp_path / "own.weights.h5"
    model().save_weights(path)
    return path


def first_vars(file: h5py.File) -> h5py.Group:
    """The group of the first layer's tensors."""
    [group] = [group["vars"] for group in file["layers"].values() if len(group["vars"])]
    return group


def refused(path, told: str) -> None:
    """Loading fails in one line, and the network keeps its weights."""
    network = model()
    before = network.get_weights()
    with pytest.raises(InputError, match=told) as caught:
        load_weights(network, path, tiny.ROW)
    assert "\n" not in str(caught.value)
    for ours, kept in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, kept)


def test_a_link_to_another_file_is_refused(own, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel"] = np.zeros((3, 3, 3, 6))
    with h5py.File(own, "a") as file:
        group = first_vars(file)
        del group["0"]
        group["0"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/kernel")
    refused(own, "own.weights.h5: .* is a link, which weights files do not have")


def test_values_in_another_file_are_refused(own, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4 * 162))
    with h5py.File(own, "a") as file:
        group = first_vars(file)
        del group["0"]
        outside = [(str(tmp_path / "secret").encode(), 0, 4 * 162)]
        group.create_dataset("0", (3, 3, 3, 6), "float32", external=outside)
    refused(own, "0 is not an array of this file")


@pytest.mark.parametrize("read", [read_own, read_legacy_h5])
def test_a_few_bytes_that_unpack_to_terabytes_are_refused(read, own):
    with h5py.File(own, "a") as file:
        group = first_vars(file)
        del group["0"]
        options = {"chunks": (2**10, 2**10), "compression": "gzip"}
        group.create_dataset("0", (2**20, 2**20), "float32", **options)
        file.attrs["layer_names"] = [group.parent.name]
        group.parent.attrs["weight_names"] = ["vars/0"]
    assert own.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"0 has 4,398,046,511,104 bytes, more than any weights"):
        read(own, every)


def test_a_large_part_of_an_archive_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LARGEST", 10_000)
    np.savez_compressed(tmp_path / "bomb.npz", small=np.zeros(10), kernel=np.zeros(10_000))
    with pytest.raises(ValueError, match=r"kernel.npy has 80,128 bytes, more than any weights"):
        readers.read_npz(tmp_path / "bomb.npz", every)


def test_code_in_the_configuration_of_a_whole_model_is_not_run(tmp_path):
    """A Lambda layer, and a class to import: only the tensors of the file are read."""
    mark = tmp_path / "mark"
    images = keras.Input((4, 4, 3))
    outputs = layers.Conv2D(2, 3, name="conv")(images)
    path = tmp_path / "model.h5"
    keras.Model(images, layers.Lambda(lambda x: x + 1)(outputs)).save(path)
    with h5py.File(path, "a") as file:
        evil = {"module": "os", "class_name": "system", "config": f"touch {mark}"}
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": evil})
    assert set(read_legacy_h5(path, every)) == {"conv/0", "conv/1"}
    assert not mark.exists()


def test_the_graph_of_a_savedmodel_of_weights_is_not_run(tmp_path):
    mark = tmp_path / "mark"

    class Evil(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(tf.ones((2, 2)), name="kernel")

        @tf.function(input_signature=[])
        def serve(self):
            tf.io.write_file(str(mark), "x")
            return self.kernel

    tf.saved_model.save(Evil(), str(tmp_path / "saved"))
    tensors = read_savedmodel(tmp_path / "saved" / "saved_model.pb", every)
    assert any(tensor.shape == (2, 2) for tensor in tensors.values()) and not mark.exists()
