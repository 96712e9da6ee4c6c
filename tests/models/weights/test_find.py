"""Weights by name: downloaded once into the cache, checked, with one clear line on failure."""

import dataclasses
import hashlib
import http.server
import threading
from pathlib import Path

import bit_weights
import keras
import numpy as np
import pytest

from covid_keras.models import registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.network import Network
from covid_keras.models.weights.find import cached, find
from covid_keras.models.weights.load import load_weights
from covid_keras.utils.errors import InputError

ROW = registry.get("bit_r50x1")
CONTENT = np.random.default_rng(5).bytes(40_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        if self.path != self.server.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """Serves `content` under `path`, and counts its requests."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.content, running.path = 0, CONTENT, "/folder/file.bin"
        running.address = f"http://127.0.0.1:{running.server_port}{running.path}"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def row_at(address: str, checksum: str | None = None, name: str = "bit-m") -> Network:
    weights = dataclasses.replace(ROW.weights[name], address=address, checksum=checksum)
    return dataclasses.replace(ROW, weights={name: weights})


def refused(call, *parts: str) -> str:
    """The message, of one line, with all `parts`."""
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
    return message


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("checksum", [None, SHA256, SHA256[:17]])
def test_once_and_then_from_the_cache(server, cache, checksum):
    row = row_at(server.address, checksum)
    paths = [find("bit-m", row) for _ in range(2)]
    assert paths[0] == paths[1] == cached(server.address)
    assert paths[0].read_bytes() == CONTENT
    assert server.requests == 1
    assert sorted(files(cache)) == ["file.bin", *(["file.bin.sha256"] if checksum is None else [])]


def test_a_cached_file_needs_no_network(cache):
    address = "http://127.0.0.1:9/folder/file.bin"
    cached(address).parent.mkdir(parents=True)
    cached(address).write_bytes(CONTENT)
    assert find("bit-m", row_at(address, SHA256)) == cached(address)


def test_loads_into_a_network(server, tmp_path):
    bit_weights.write(tmp_path / "weights.npz", (1, 1, 1, 1))
    server.content = (tmp_path / "weights.npz").read_bytes()
    server.path = "/folder/weights.npz"
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, resnet_v2(inputs, (1, 1, 1, 1), 1))
    load_weights(model, "bit-m", row_at(server.address.replace("file.bin", "weights.npz")))
    with np.load(tmp_path / "weights.npz") as tensors:
        gamma = tensors["resnet/group_norm/gamma"]
    np.testing.assert_array_equal(model.get_layer("group_norm").gamma, gamma)


def test_same_file_name_at_two_addresses():
    one, two = (cached(f"https://host/{folder}/model.h5") for folder in ("a", "b"))
    assert one != two and one.name == two.name == "model.h5"
    assert cached("https://host/a/model.h5") != cached("https://other/a/model.h5")


def test_no_two_rows_share_a_place_but_for_the_same_file():
    checksums = {}
    for row in registry.NETWORKS.values():
        for weights in row.weights.values():
            known = checksums.setdefault(cached(weights.address), weights.checksum)
            assert known == weights.checksum


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "sha256:beef", "md5:" + "0" * 32])
def test_wrong_checksum(server, cache, checksum):
    refused(lambda: find("bit-m", row_at(server.address, checksum)), checksum, server.address)
    assert not files(cache)


def test_cached_file_with_another_checksum_is_named_and_not_used(server):
    path = cached(server.address)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    refused(lambda: find("bit-m", row_at(server.address, SHA256)), f"{path}: expected {SHA256}")
    assert path.read_bytes() == b"something else" and server.requests == 0


def test_not_found(server, cache):
    address = server.address.replace("file", "absent")
    refused(lambda: find("bit-m", row_at(address)), f"cannot download {address}", "404")
    assert not files(cache)


def test_without_a_network(cache):
    address = "http://127.0.0.1:9/BiT-M-R50x1.npz"
    message = refused(lambda: find("bit-m", row_at(address)), address, "no connection")
    place = cache / "weights" / "127.0.0.1:9" / "BiT-M-R50x1.npz"
    assert message.endswith(
        f"put it at {place}, or give --weights FILE, your copy, or --weights random"
    )
    assert not files(cache)


def test_bit_m_c_without_a_network_names_the_script():
    assert ROW.weights["bit-m-cifar10"].address.endswith("/BiT-M-R50x1-CIFAR10.npz")
    row = row_at("http://127.0.0.1:9/BiT-M-R50x1-CIFAR10.npz", name="bit-m-cifar10")
    with pytest.raises(InputError, match=r"CIFAR-10 with experiments/make_bit_m_c\.py$"):
        find("bit-m-cifar10", row)


def test_a_folder_that_cannot_be_made(server, cache):
    cache.write_text("a file")
    refused(lambda: find("bit-m", row_at(server.address)), str(cache), "cannot write")
    assert server.requests == 0
