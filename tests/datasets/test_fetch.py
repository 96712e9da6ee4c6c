"""fetch against a local server: a good file, a wrong one, none, and no server; Kaggle by a stub."""

import hashlib
import os
import sys
import threading
import types
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from covid_keras.datasets import catalogue, folder
from covid_keras.datasets.card import Card, Download
from covid_keras.datasets.fetch import fetch
from covid_keras.utils.errors import InputError

CONTENT = b"5 a.png negative cohen\n"


class Quiet(SimpleHTTPRequestHandler):
    """Serve a folder and count the requests."""

    requests = 0

    def do_GET(self):
        type(self).requests += 1
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    Quiet.requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def card(monkeypatch):
    """A data set of one direct file, known as `small`."""

    def make(**changes):
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        download = Download("labels.txt", "http://127.0.0.1:1/labels.txt", sha256)
        values = dict(title="", modality="ct", classes=(), read=folder.read, split="holdout")
        card = Card(name="small", downloads=(download,), **values | changes)
        monkeypatch.setitem(catalogue.cards(), "small", card)

    return make


def left(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_good_file_is_fetched_once(server, card, tmp_path):
    folder, url = server
    card()
    (folder / "labels.txt").write_bytes(CONTENT)
    out = tmp_path / "new" / "data"
    fetched = fetch("small", out, base_url=url)
    assert fetched.files == (out / "labels.txt",)
    assert fetched.instruction == ""
    assert (out / "labels.txt").read_bytes() == CONTENT
    assert left(out) == ["labels.txt"]
    fetch("small", out, base_url=url + "/")
    assert Quiet.requests == 1


def test_a_file_with_another_hash_is_refused_and_leaves_nothing(server, card, tmp_path):
    folder, url = server
    card()
    (folder / "labels.txt").write_bytes(CONTENT + b"more")
    with pytest.raises(InputError, match=r"labels.txt: expected sha256:") as error:
        fetch("small", tmp_path / "out", base_url=url)
    assert "\n" not in str(error.value)
    assert left(tmp_path / "out") == []


def test_a_file_that_is_not_there_is_named_with_its_address(server, card, tmp_path):
    _, url = server
    card()
    with pytest.raises(InputError) as error:
        fetch("small", tmp_path / "out", base_url=url)
    path = tmp_path / "out" / "labels.txt"
    assert str(error.value) == (
        f"{path}: cannot download {url}/labels.txt: 404 File not found;"
        f" fetch it by other means and put it at {path}"
    )
    assert left(tmp_path / "out") == []


def test_without_a_server_the_error_says_what_and_where(card, tmp_path):
    card()
    with pytest.raises(InputError, match=r"http://127.0.0.1:1/labels.txt: no connection; fetch it"):
        fetch("small", tmp_path)
    assert left(tmp_path) == []


def test_another_version_that_lies_there_is_not_overwritten(card, tmp_path):
    card()
    (tmp_path / "labels.txt").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"labels.txt: expected sha256:.* Received: "):
        fetch("small", tmp_path)
    assert (tmp_path / "labels.txt").read_bytes() == b"mine"


def test_where_a_person_must_act_the_instruction_comes_back(tmp_path):
    fetched = fetch("covid19-ct", tmp_path)
    assert fetched.files == ()
    assert "git clone https://github.com/UCSD-AI4H/COVID-CT" in fetched.instruction
    assert "data phantom" in fetch("phantom-ct", tmp_path).instruction


def test_kaggle_without_kagglehub_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(
        InputError, match=r"pip install 'covid-keras\[fetch\]', or download it from"
    ):
        fetch("sars-cov-2-ct", tmp_path)


def test_kaggle_files_are_moved_into_place(server, card, monkeypatch, tmp_path):
    folder, url = server
    card(kaggle="owner/name/versions/4")
    (folder / "labels.txt").write_bytes(CONTENT)
    out = tmp_path / "out"

    def download(handle):
        assert handle == "owner/name/versions/4"
        cache = out / ".kagglehub" / "v4"
        (cache / "2A_images").mkdir(parents=True)
        (cache / "2A_images" / "a.png").write_bytes(b"png")
        (cache / "labels.txt").write_bytes(b"kaggle's own")
        assert os.environ["KAGGLEHUB_CACHE"] == str(out / ".kagglehub")
        return str(cache)

    stub = types.SimpleNamespace(__spec__="stub", dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", stub)
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    fetch("small", out, base_url=url)
    assert left(out) == ["2A_images", "labels.txt"]
    assert (out / "2A_images" / "a.png").read_bytes() == b"png"
    assert (out / "labels.txt").read_bytes() == CONTENT
    assert "KAGGLEHUB_CACHE" not in os.environ


def test_a_kaggle_failure_is_one_line_and_keeps_what_came(monkeypatch, tmp_path):
    part = tmp_path / ".kagglehub" / "part"

    def download(handle):
        part.parent.mkdir(parents=True)
        part.write_bytes(b"half")
        raise RuntimeError("403 Forbidden")

    monkeypatch.setitem(
        sys.modules, "kagglehub", types.SimpleNamespace(__spec__="stub", dataset_download=download)
    )
    with pytest.raises(InputError, match=r"sarscov2-ctscan-dataset: 403 Forbidden; or download"):
        fetch("sars-cov-2-ct", tmp_path)
    assert part.read_bytes() == b"half"


@pytest.mark.parametrize("name", ["covidx-ct-1", "covidx-ct-2a", "covidx-cxr-7b", "covidx-cxr-8b"])
def test_the_hashes_are_those_of_the_real_label_files(shared_data, name):
    downloads = catalogue.get(name).downloads
    assert len(downloads) == (3 if name == "covidx-ct-1" else 2)
    for download in downloads:
        path = shared_data / "covidx_labels" / download.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == download.sha256
