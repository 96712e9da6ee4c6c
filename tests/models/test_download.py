"""Weights from the network: cached, hashed, resumed, safe beside a second process."""

import dataclasses
import hashlib
import http.server
import subprocess
import sys
import threading
import time
from pathlib import Path

import bit_weights
import keras
import numpy as np
import pytest
from covid_keras.models.weights.download import download

from covid_keras.models import registry
from covid_keras.models.bit import resnet_v2
from covid_keras.models.network import Network
from covid_keras.models.weights import download as download_module
from covid_keras.models.weights import load_weights
from covid_keras.models.weights.find import cached, find
from covid_keras.utils.errors import InputError

ROW = registry.get("bit_r50x1")
CONTENT = np.random.default_rng(5).bytes(400_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` under `path`; `ranges` has what was asked for, in order."""

    ignore_range = False
    break_after: int | None = None
    """Bytes after which the connection is cut, once."""
    wait = 0.0
    status = 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.content = CONTENT
        self.path = "/folder/file.bin"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{self.path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server: Server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        whole = server.content
        if server.status or self.path != server.path:
            self.send_error(server.status or 404)
            return
        start = 0 if server.ignore_range or not asked else int(asked[len("bytes=") : -1])
        if start >= len(whole):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(whole)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        time.sleep(server.wait)
        cut, server.break_after = server.break_after, None
        self.wfile.write(whole[start : start + cut] if cut else whole[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def row_at(address: str, checksum: str | None = None) -> Network:
    weights = dataclasses.replace(ROW.weights["bit-m"], address=address, checksum=checksum)
    return dataclasses.replace(ROW, weights={"bit-m": weights})


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


@pytest.mark.parametrize("checksum", [None, SHA256, SHA256[:17], MD5, MD5[:12], SHA256.upper()])
def test_once_and_then_from_the_cache(server, cache, checksum):
    row = row_at(server.address, checksum and checksum.replace("SHA256", "sha256"))
    paths = [find("bit-m", row) for _ in range(2)]
    assert paths[0] == paths[1] == cached(server.address)
    assert paths[0].read_bytes() == CONTENT
    assert server.ranges == [None]
    assert files(cache) == ["file.bin"]


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
    load_weights(model, "bit-m", row_at(server.address))
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


@pytest.mark.parametrize("checksum", [None, SHA256])
def test_broken_off_then_continued(server, cache, checksum):
    server.break_after = 250_000
    row = row_at(server.address, checksum)
    refused(lambda: find("bit-m", row), "file.bin.part", "goes on from there", server.address)
    kept = (cached(server.address).parent / "file.bin.part").stat().st_size
    assert 150_000 < kept <= 250_000
    assert find("bit-m", row).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]
    assert files(cache) == ["file.bin"]


def test_a_server_that_ignores_range_starts_again(server, cache):
    server.break_after, server.ignore_range = 250_000, True
    row = row_at(server.address, SHA256)
    refused(lambda: find("bit-m", row))
    assert find("bit-m", row).read_bytes() == CONTENT
    assert len(server.ranges) == 2 and server.ranges[1]


def part_of(address: str, content: bytes) -> Path:
    path = cached(address).with_name("file.bin.part")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_whole_part_is_only_renamed(server, cache):
    part_of(server.address, CONTENT)
    assert find("bit-m", row_at(server.address, SHA256)).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]
    assert files(cache) == ["file.bin"]


def test_a_part_longer_than_the_file_is_dropped(server):
    part_of(server.address, CONTENT + b"more")
    assert find("bit-m", row_at(server.address)).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_part_survives_an_error_of_the_server(server):
    part = part_of(server.address, CONTENT[:1000])
    server.status = 503
    refused(lambda: find("bit-m", row_at(server.address)), "503")
    assert part.read_bytes() == CONTENT[:1000]


def test_a_part_of_another_file_fails_the_checksum_and_is_deleted(server, cache):
    part_of(server.address, b"x" * 1000)
    row = row_at(server.address, SHA256)
    refused(lambda: find("bit-m", row), f"expected the checksum {SHA256}", "is deleted again")
    assert not files(cache)
    assert find("bit-m", row).read_bytes() == CONTENT


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "sha256:beef", "md5:" + "0" * 32])
def test_wrong_checksum(server, cache, checksum):
    row = row_at(server.address, checksum)
    refused(lambda: find("bit-m", row), "file.bin.part", checksum, server.address, "deleted again")
    assert not files(cache)


def test_cached_file_with_another_checksum_is_named_and_not_used(server):
    path = cached(server.address)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    row = row_at(server.address, SHA256)
    refused(lambda: find("bit-m", row), f"{path}: expected the checksum {SHA256}", "delete it")
    assert path.read_bytes() == b"something else" and server.ranges == []


def test_not_found(server, cache):
    address = server.address.replace("file", "absent")
    refused(lambda: find("bit-m", row_at(address)), "weights 'bit-m': cannot get", address, "404")
    assert not files(cache)


def test_without_a_network(cache):
    address = "http://127.0.0.1:9/BiT-M-R50x1.npz"
    message = refused(lambda: find("bit-m", row_at(address)), address, "refused")
    place = cache / "weights" / "127.0.0.1:9" / "BiT-M-R50x1.npz"
    assert message.endswith(f"put it at {place}, or give the path of your copy")
    assert not files(cache)


def test_bit_m_c_without_a_network_names_the_script():
    weights = ROW.weights["bit-m-cifar10"]
    assert weights.address.endswith("/BiT-M-R50x1-CIFAR10.npz")
    broken = dataclasses.replace(weights, address="http://127.0.0.1:9/BiT-M-R50x1-CIFAR10.npz")
    row = dataclasses.replace(ROW, weights={"bit-m-cifar10": broken})
    with pytest.raises(InputError, match=r"with experiments/make_bit_m_c\.py$"):
        find("bit-m-cifar10", row)


def test_a_folder_that_cannot_be_made(server, cache):
    cache.write_text("a file")
    refused(lambda: find("bit-m", row_at(server.address)), str(cache), "cannot write")
    assert server.ranges == []


def test_two_processes_fetch_once(server, cache):
    server.wait = 1.0
    # The module by its file: its package would import Keras, for which no test needs to wait.
    program = (
        "import runpy, sys; from pathlib import Path\n"
        "download = runpy.run_path(sys.argv[1])['download']\n"
        "download(sys.argv[2], Path(sys.argv[3]), sys.argv[4])"
    )
    arguments = [download_module.__file__, server.address, str(cache / "file.bin"), SHA256]
    command = [sys.executable, "-c", program, *arguments]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert server.ranges == [None]
    assert (cache / "file.bin").read_bytes() == CONTENT and files(cache) == ["file.bin"]


def test_threads_at_once_do_not_mix_their_bytes(server, cache):
    server.break_after = 100_000  # the first one leaves a part; the others continue it
    failures = []

    def run():
        try:
            download(server.address, cache / "file.bin", SHA256)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (cache / "file.bin").read_bytes() == CONTENT
    assert len(failures) == 1 and len(server.ranges) == 2


def test_progress_is_shown(server, cache, capsys):
    download(server.address, cache / "file.bin")
    assert "file.bin [" in capsys.readouterr().err
