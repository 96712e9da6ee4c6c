"""The core of the script that makes BiT-M-C, on a tiny network and tiny images."""

import keras
import make_bit_m_c as script
import numpy as np
import pytest

from covid_keras.models import heads, registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError


@pytest.fixture
def cifar(monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    monkeypatch.setattr(script, "RESIZE", 40)
    monkeypatch.setattr(script, "CROP", 32)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    return images, np.arange(7)


def tiny() -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, heads.linear(resnet_v2(inputs, (1, 1, 1, 1), 1), 10, None, 0.0))


def test_batches_are_mixed_in_pairs_by_one_weight(cifar):
    batches = list(script.training_batches(cifar, batch=4, steps=5, seed=3))
    assert len(batches) == 5
    parts = np.random.default_rng(3).beta(0.1, 0.1, 5)
    for (images, labels), part in zip(batches, parts, strict=True):
        assert images.shape == (4, 32, 32, 3) and np.abs(images).max() <= 1
        np.testing.assert_allclose(np.sum(labels, axis=1), 1, atol=1e-6)
        mixed = np.sort(labels[0])[-2:]
        same = np.isclose(mixed[-1], 1, atol=1e-3)  # both of one class, or a weight near 0 or 1
        assert same or np.allclose(mixed, sorted([part, 1 - part]), atol=1e-6)


@pytest.mark.slow
def test_two_steps_and_the_file_reads_back(cifar, tmp_path):
    model = tiny()
    before = [np.array(weight) for weight in model.get_weights()]
    script.fine_tune(model, cifar, batch=4, steps=2, learning_rate=0.01, seed=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert np.any(model.get_layer("head").kernel)
    script.save_npz(model, tmp_path / "c.npz")
    twin = tiny()
    load_weights(twin, tmp_path / "c.npz", registry.get("bit_r50x1"))
    for a, b in zip(model.get_weights()[:-2], twin.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(np.any(a != b) for a, b in zip(before, twin.get_weights(), strict=True))
    with np.load(tmp_path / "c.npz") as file:
        assert file["resnet/head/conv2d/kernel"].shape == (1, 1, 2048, 10)


def test_data_file_without_its_arrays(tmp_path):
    np.savez(tmp_path / "cifar.npz", x_train=np.zeros((1, 32, 32, 3)))
    with pytest.raises(InputError, match=r"expected a \.npz with x_train, y_train"):
        script.load_cifar10(tmp_path / "cifar.npz")
    with pytest.raises(InputError, match=r"absent\.npz"):
        script.load_cifar10(tmp_path / "absent.npz")
