"""Weights files: what loads, and what every wrong file says."""

import pickle
import zipfile
from pathlib import Path

import bit_weights
import keras
import numpy as np
import pytest

from covid_keras.models import heads, registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.create import create_backbone
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError

ROW = registry.get("bit_r50x1")
UNITS = (1, 1, 1, 1)


def small(head: int = 0) -> keras.Model:
    """A BiT of one unit a block, with a head of `head` outputs where it is not 0."""
    inputs = keras.Input((32, 32, 3))
    x = resnet_v2(inputs, UNITS, 1)
    return keras.Model(inputs, heads.linear(x, head, None, 0.0) if head else x)


@pytest.fixture(scope="module")
def npz(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    bit_weights.write(path, UNITS)
    return path


@pytest.fixture(scope="module")
def tensors(npz) -> dict[str, np.ndarray]:
    with np.load(npz) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return small(head=3)


def snapshot(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def assert_refused(model: keras.Model, source: str | Path, *parts: str) -> str:
    """The message, one line with all `parts`; not one weight has changed."""
    before = snapshot(model)
    with pytest.raises(InputError) as caught:
        load_weights(model, source, ROW)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
    for a, b in zip(before, snapshot(model), strict=True):
        np.testing.assert_array_equal(a, b)
    return message


def test_npz_sets_every_tensor_but_the_head(npz, tensors):
    model = small(head=bit_weights.CLASSES)
    load_weights(model, npz, ROW)
    kernel = model.get_layer("block4.unit01.a.proj.standardized_conv2d").kernel
    place = "resnet/block4/unit01/a/proj/standardized_conv2d/kernel"
    np.testing.assert_array_equal(kernel, tensors[place])
    np.testing.assert_array_equal(
        model.get_layer("group_norm").beta, tensors["resnet/group_norm/beta"]
    )
    assert not np.any(model.get_layer("head").kernel)


def test_counters_that_some_published_files_have(tmp_path, tensors):
    renamed = {
        name.replace("proj/standardized_conv2d/", "proj/standardized_conv2d_7/"): value
        for name, value in tensors.items()
    }
    np.savez(tmp_path / "counted.npz", **renamed)
    model = small()
    load_weights(model, tmp_path / "counted.npz", ROW)
    place = "resnet/block1/unit01/a/proj/standardized_conv2d/kernel"
    kernel = model.get_layer("block1.unit01.a.proj.standardized_conv2d").kernel
    np.testing.assert_array_equal(kernel, tensors[place])


@pytest.mark.parametrize("source", [None, "random"])
def test_random_changes_nothing(model, source):
    before = snapshot(model)
    load_weights(model, source, ROW)
    for a, b in zip(before, snapshot(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
@pytest.mark.parametrize("compiled", [False, True])
def test_own_files_round_trip_into_another_head(tmp_path, name, compiled):
    trained, fresh = small(head=3), small(head=2)
    trained.get_layer("head").kernel.assign(np.ones((2048, 3)))
    if compiled:
        trained.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        trained.optimizer.build(trained.trainable_variables)
    save = trained.save if name.endswith(".keras") else trained.save_weights
    save(tmp_path / name)
    load_weights(fresh, tmp_path / name, ROW)
    for a, b in zip(trained.get_weights()[:-2], fresh.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.any(fresh.get_layer("head").kernel)


def test_missing_file_and_unknown_name(model):
    assert_refused(model, "bit-x", "'bit-x': no such file", "random, bit-s, bit-m,")


def test_half_written_npz(model, npz, tmp_path):
    whole = npz.read_bytes()
    for size in (0, 100, len(whole) // 2, len(whole) - 10):
        (tmp_path / "half.npz").write_bytes(whole[:size])
        assert_refused(model, tmp_path / "half.npz", "half.npz: expected a complete .npz")


def test_flipped_byte_in_npz(model, npz, tmp_path):
    damaged = bytearray(npz.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "flipped.npz").write_bytes(damaged)
    assert_refused(model, tmp_path / "flipped.npz", "damaged", "CRC")


def test_pickles_are_refused(model, tmp_path):
    np.savez(tmp_path / "pickle.npz", **{"resnet/group_norm/gamma": np.array([{}], dtype=object)})
    assert_refused(model, tmp_path / "pickle.npz", "is not an array of numbers")


def test_other_files_called_npz_are_refused_without_advice_to_unpickle(model, tmp_path):
    path = tmp_path / "other.npz"
    contents = [b"weights\n", pickle.dumps({"a": 1}), b"\x93NUMPY"]
    np.save(tmp_path / "array.npy", np.zeros(3))
    contents.append((tmp_path / "array.npy").read_bytes())
    for content in contents:
        path.write_bytes(content)
        message = assert_refused(model, path, "no complete archive of arrays")
        assert "pickle" not in message
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("resnet/group_norm/gamma", "a text")
    assert_refused(model, path, "resnet/group_norm/gamma is not an array of numbers")


@pytest.mark.parametrize("name", ["half.weights.h5", "half.keras"])
def test_half_written_own_files(model, tmp_path, name):
    whole = tmp_path / f"whole.{name.split('.', 1)[1]}"
    (model.save if name.endswith(".keras") else model.save_weights)(whole)
    (tmp_path / name).write_bytes(whole.read_bytes()[:1_000_000])
    assert_refused(model, tmp_path / name, f"{name}: expected a complete")


def test_h5_of_another_layout(model, tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["conv1/kernel"] = np.zeros(3)
    assert_refused(model, tmp_path / "other.h5", "bit_r50x1 takes weights from .npz")


def test_text_file_and_unknown_suffix(model, tmp_path):
    (tmp_path / "notes.npz").write_text("not weights")
    told = assert_refused(model, tmp_path / "notes.npz", "expected a complete .npz weights file")
    assert "pickle" not in told  # NumPy's advice, which would run what the file says
    (tmp_path / "weights.ckpt").write_text("")
    assert_refused(model, tmp_path / "weights.ckpt", "ends in .npz, .weights.h5, .keras")


def test_weights_of_a_deeper_network(model, tmp_path):
    bit_weights.write(tmp_path / "deeper.npz", (2, 1, 1, 1))
    assert_refused(
        model, tmp_path / "deeper.npz", "not the weights of bit_r50x1", "9 unexpected", "unit02"
    )


def test_weights_of_a_shallower_network(npz):
    with pytest.raises(InputError) as caught:
        create_backbone("bit_r50x1", weights=str(npz))
    expected = "block1/unit02/a/group_norm/gamma: expected shape (256,), found no such tensor"
    assert expected in str(caught.value)
    assert f"({9 * 12} missing, 0 unexpected, 0 of another shape)" in str(caught.value)


def test_another_width(model, tensors, tmp_path):
    place = "resnet/block2/unit01/b/standardized_conv2d/kernel"
    np.savez(tmp_path / "wide.npz", **(tensors | {place: np.zeros((3, 3, 384, 384), "float32")}))
    assert_refused(
        model,
        tmp_path / "wide.npz",
        f"{place}: expected shape (3, 3, 128, 128), found shape (3, 3, 384, 384)",
        "1 of another shape",
    )
