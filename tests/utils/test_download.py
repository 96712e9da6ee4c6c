"""Download from a local server: checksums, failures, and nothing half-written."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from covid_keras.utils.download import download
from covid_keras.utils.errors import InputError

CONTENT = np.random.default_rng(5).bytes(400_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        if self.path != "/file.bin":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: self.server.cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.cut = 0, None
        running.url = f"http://127.0.0.1:{running.server_port}/file.bin"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def error_of(*arguments, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        download(*arguments, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("checksum", [None, SHA256, SHA256[:17], MD5, MD5[:12], MD5.upper()])
def test_once_and_then_from_disk(server, tmp_path, checksum, capsys):
    path = tmp_path / "new" / "file.bin"
    assert download(server.url, path, checksum) == path
    assert "file.bin [" in capsys.readouterr().err
    assert download(server.url, path, checksum).read_bytes() == CONTENT
    assert server.requests == 1
    kept = [path] if checksum else [path, path.with_name("file.bin.sha256")]
    assert sorted(path.parent.iterdir()) == kept


def test_without_a_checksum_a_later_file_must_equal_the_first(server, tmp_path):
    path = tmp_path / "file.bin"
    record = tmp_path / "file.bin.sha256"
    download(server.url, path)
    assert f"sha256:{record.read_text().strip()}" == SHA256
    path.write_bytes(b"another")  # in its place
    assert error_of(server.url, path).startswith(f"{path}: expected {SHA256}. Received: sha256:")
    path.unlink()
    record.write_text("0" * 64)  # at the address
    message = error_of(server.url, path)
    assert message.startswith(f"{server.url}: expected sha256:{'0' * 64}. Received: {SHA256}; ")
    assert message.endswith(f"first download, in {record}: remove that to accept this")
    assert not path.exists()
    record.unlink()
    path.write_bytes(b"put there by hand")
    download(server.url, path)
    assert record.is_file()


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "md5:beef"])
def test_another_checksum_leaves_nothing(server, tmp_path, checksum):
    message = error_of(server.url, tmp_path / "file.bin", checksum)
    kind = {"sha256": SHA256, "md5": MD5}[checksum.split(":")[0]]
    assert message == f"{server.url}: expected {checksum}. Received: {kind}"
    assert list(tmp_path.iterdir()) == []


def test_another_file_in_its_place_is_kept(server, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"mine")
    assert error_of(server.url, path, SHA256).startswith(f"{path}: expected {SHA256}. Received: ")
    assert path.read_bytes() == b"mine" and server.requests == 0


def test_a_missing_file_and_a_missing_server_name_url_and_path(server, tmp_path):
    path = tmp_path / "file.bin"
    url = server.url.replace("file", "other")
    assert error_of(url, path, advice="give the path of your copy") == (
        f"{path}: cannot download {url}: 404 Not Found; fetch it by other means and put it at"
        f" {path}, or give the path of your copy"
    )
    assert "http://127.0.0.1:9/a: no connection; fetch" in error_of("http://127.0.0.1:9/a", path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path):
    server.cut = 250_000
    assert "the connection broke off" in error_of(server.url, tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("")
    message = error_of(server.url, tmp_path / "file" / "file.bin")
    assert str(tmp_path / "file") in message and "cannot write" in message
    assert server.requests == 0
