"""Nothing half-written: what a failure in the middle of writing leaves behind."""

import errno
import io
import json
import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import (
    atomic_folder,
    atomic_path,
    cache_folder,
    growing_file,
    read_json,
    write_json,
    write_text,
)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_text(path, "one")
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "one"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder"
    with atomic_folder(path) as temporary:
        (temporary / "old").touch()
    with pytest.raises(RuntimeError), atomic_folder(path) as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    assert [entry.name for entry in path.iterdir()] == ["old"]
    with atomic_folder(path) as temporary:
        (temporary / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/below.*: cannot write"):
        write_text(tmp_path / "file" / "below" / "x.txt", "x")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"x\.txt: cannot write: No space left on device"):
        write_text(tmp_path / "x.txt", "x")
    assert not list(tmp_path.iterdir())


def test_json_there_and_back_and_its_faults(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": [1, None, "ä"]})
    assert read_json(path) == {"a": [1, None, "ä"]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [1, None, "ä"]}
    path.write_text('{\n"a": }')
    with pytest.raises(InputError, match=r"x\.json:2: not JSON"):
        read_json(path)
    with pytest.raises(InputError, match="file not found"):
        read_json(tmp_path / "none.json")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_cache_is_the_one_of_the_environment_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("COVID_KERAS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("COVID_KERAS_CACHE")
    assert cache_folder().name == "covid_keras"


def test_a_temporary_file_is_found_by_no_search(tmp_path):
    with atomic_path(tmp_path / "a.png") as temporary:
        assert temporary.name == "a.png" and not list(tmp_path.glob("*.png"))
        temporary.touch()
        write_text(tmp_path / "b.txt", "b")  # sweeps, but not what this process uses
        assert temporary.exists()


def test_what_killed_processes_left_is_swept(tmp_path):
    code = [sys.executable, "-c", "import os; print(os.getpid())"]
    ended = int(subprocess.run(code, stdout=subprocess.PIPE, check=True).stdout)
    here, others, old = platform.node(), {os.getppid()}, 8 * 24 * 3600
    swept = [
        f"{here}_{ended}_0a",
        f"{here}_{os.getpid()}_0b",  # before the machine or its container was started again
        f"{here}_{10**30}_0c",
        "elsewhere_1_0d",
    ]
    kept = [f"{here}_{others.pop()}_0e", "elsewhere_1_0f", "notes", f"{here}_x_0a"]
    for name in (*swept, *kept):
        (tmp_path / f".covid_keras_{name}").mkdir()
        (tmp_path / f".covid_keras_{name}" / "x.csv").touch()
    then = time.time() - old
    os.utime(tmp_path / ".covid_keras_elsewhere_1_0d", (then, then))
    write_text(tmp_path / "b.txt", "b")
    assert {path.name for path in tmp_path.iterdir()} == {
        "b.txt",
        *(f".covid_keras_{name}" for name in kept),
    }


def test_a_killed_process_has_not_begun_to_remove_the_old_folder(tmp_path):
    code = """
import os, signal, sys
from covid_keras.utils.files import atomic_folder
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with atomic_folder(sys.argv[1]) as temporary:
    (temporary / "new").touch()
"""
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    subprocess.run([sys.executable, "-c", code, path], check=False)
    assert [entry.name for entry in path.iterdir()] == ["old"]


@pytest.mark.parametrize("text", ['{"a": NaN}', "[-Infinity]", "[" * 100_000, "9" * 5000, "{"])
def test_what_is_no_json_is_one_line(tmp_path, text):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(InputError, match=r"file\.json(:1)?: not JSON: ") as error:
        read_json(tmp_path / "file.json")
    assert "\n" not in str(error.value)


def test_a_growing_file_has_its_name_when_it_is_whole_and_keeps_what_came_before(tmp_path):
    path, partial = tmp_path / "new" / "rows.csv", tmp_path / "new" / "rows.csv.partial"
    with growing_file(path) as add:
        add("a\n")
        assert partial.read_text() == "a\n" and not path.exists()
        add("b\n")
    assert path.read_text() == "a\nb\n" and not partial.exists()
    with pytest.raises(KeyboardInterrupt), growing_file(path) as add:
        add("c\n")
        raise KeyboardInterrupt
    assert path.read_text() == "a\nb\n" and partial.read_text() == "c\n"


def test_a_growing_file_has_no_half_a_line_when_the_disk_is_full(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            if self.tell() >= 6:
                raise OSError(errno.ENOSPC, "full")
            return super().write(data[:3])

    monkeypatch.setattr(Path, "open", lambda path, *_, **__: Full(path, "w"))
    expected = r"rows\.csv\.partial: cannot write: No space left"
    with pytest.raises(InputError, match=expected), growing_file(tmp_path / "rows.csv") as add:
        add("12\n")
        add("4567890\n")
    assert io.FileIO(tmp_path / "rows.csv.partial").read() == b"12\n"
