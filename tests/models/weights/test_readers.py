"""PyTorch's files: .safetensors and .pth, in all types, damaged, and with code inside."""

import json
import pickle
import struct
import sys
import types
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torchvision_weights
from safetensors.numpy import save_file

from covid_keras.models.create import create_backbone
from covid_keras.models.weights.readers import read_pth, read_safetensors
from covid_keras.utils.errors import InputError

ORACLES = Path(__file__).parents[2] / "oracles"
SMALL = "squeezenet1_1"
FIRST = "features.0.weight"


@pytest.fixture(scope="module")
def small() -> dict[str, np.ndarray]:
    """All tensors of the network `SMALL`, by torchvision's names and in its shapes."""
    with np.load(ORACLES / "torchvision.npz") as recorded:
        shapes = json.loads(recorded[f"{SMALL}_shapes"].tobytes())
    return {key: torchvision_weights.tensor(key, tuple(shapes[key])) for key in shapes}


@pytest.mark.parametrize("dtype", ["float16", "float64", ml_dtypes.bfloat16])
def test_other_floats_become_float32(tmp_path, small, dtype):
    path = tmp_path / "other.safetensors"
    other = {name: np.ascontiguousarray(value.astype(dtype)) for name, value in small.items()}
    path.write_bytes(as_safetensors(other))
    model = create_backbone(SMALL, weights=str(path))
    kernel = np.asarray(model.get_layer("features.0").kernel).transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(kernel, other[FIRST].astype("float32"))


def as_safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    """The format by its specification, since the package's own writer takes no bfloat16."""
    kinds = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "int8": "I8"}
    header, body = {}, b""
    for name, value in tensors.items():
        place = [len(body), len(body) + value.nbytes]
        kind = kinds[value.dtype.name]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": place}
        body += value.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def assert_refused(path: Path, *parts: str, name: str = SMALL) -> None:
    with pytest.raises(InputError) as caught:
        create_backbone(name, weights=str(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and message.count(str(path)) == 1
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def test_whole_numbers_are_refused(tmp_path, small):
    path = tmp_path / "quantised.safetensors"
    path.write_bytes(as_safetensors(small | {FIRST: small[FIRST].astype("int8")}))
    assert_refused(path, f"{FIRST}: expected a tensor of float32, ", "Received: int8")


def test_half_written_safetensors(tmp_path, small):
    path = tmp_path / "half.safetensors"
    save_file(small, path)
    whole = path.read_bytes()
    for size in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert_refused(path, "expected a complete .safetensors weights file")
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert_refused(path, "expected a complete .safetensors weights file")


def test_another_network(tmp_path, small):
    path = tmp_path / "other.safetensors"
    save_file(small, path)
    found = "features.0.weight: expected shape (96, 3, 7, 7), found shape (64, 3, 3, 3)"
    assert_refused(path, "not the weights of squeezenet: ", found, name="squeezenet")
    missing = "conv1.weight: expected shape (64, 3, 7, 7), found no such tensor"
    assert_refused(path, "not the weights of resnet18: ", missing, name="resnet18")


def test_unwanted_tensors_are_not_read(tmp_path, small):
    path = tmp_path / "model.safetensors"
    save_file(small, path)
    assert list(read_safetensors(path, lambda name: name == FIRST)) == [FIRST]


class FakeTensor:
    """What `read_pth` uses of a torch.Tensor."""

    def __init__(self, value: np.ndarray, dtype: str = "torch.float32"):
        self.value, self.dtype = value, dtype

    def detach(self):
        return self

    def float(self):
        return self

    def numpy(self):
        return self.value


@pytest.fixture
def fake_torch(monkeypatch):
    """A torch whose `load` gives what is in its list, or raises it; only tensors may be read."""
    answers = []

    def load(path, *, map_location, weights_only):
        assert weights_only is True and map_location == "cpu"
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(__spec__="stub", load=load))
    return answers


def test_pth_by_a_stand_in(tmp_path, small, fake_torch):
    path = tmp_path / "model.pth"
    path.touch()
    fake_torch[:] = [{name: FakeTensor(value) for name, value in small.items()}]
    model = create_backbone(SMALL, weights=str(path))
    kernel = np.asarray(model.get_layer("features.0").kernel).transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(kernel, small[FIRST])
    fake_torch[:] = [{FIRST: FakeTensor(small[FIRST], "torch.qint8")}]
    assert_refused(path, f"{FIRST}: expected a tensor of float32", "Received: qint8")
    fake_torch[:] = [[1, 2]]
    assert_refused(path, "expected a state dict (names to tensors). Received: list")
    fake_torch[:] = [pickle.UnpicklingError("Weights only load failed.\nMore lines.")]
    assert_refused(path, "is damaged, or holds code or objects, and was not loaded")
    fake_torch[:] = [RuntimeError("PytorchStreamReader failed\nMore lines.")]
    assert_refused(path, "expected a complete .pth weights file", "PytorchStreamReader failed")


def test_pth_without_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "model.pth"
    path.touch()
    assert_refused(path, "pip install 'torch'")
    with pytest.raises(InputError, match=r"resnet18-f37072fd\.pth: expected the package torch"):
        create_backbone("resnet18", weights="imagenet")
    assert not (tmp_path / "cache").exists(), "nothing is downloaded that cannot be read"


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pth_by_torch(tmp_path, small):
    torch = pytest.importorskip("torch")
    path = tmp_path / "model.pth"
    for dtype, old in ((torch.float32, False), (torch.float32, True), (torch.bfloat16, False)):
        state = {name: torch.from_numpy(value).to(dtype) for name, value in small.items()}
        torch.save(state, path, _use_new_zipfile_serialization=not old)
        found = read_pth(path, lambda name: True)
        assert set(found) == set(small)
        np.testing.assert_array_equal(found[FIRST], state[FIRST].float().numpy())
    whole = path.read_bytes()
    for size in (0, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:size])
        assert_refused(path, "expected a complete")


def test_malicious_pth_does_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    path, mark = tmp_path / "malicious.pth", tmp_path / "mark"
    for old in (False, True):
        torch.save({FIRST: Malicious(mark)}, path, _use_new_zipfile_serialization=not old)
        assert_refused(path, "holds code or objects")
    path.write_bytes(pickle.dumps(Malicious(mark)))
    assert_refused(path, "holds code or objects")
    assert not mark.exists()
