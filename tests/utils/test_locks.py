"""One process at a time writes into a folder."""

import errno
import platform
import shutil
import subprocess
import sys

import pytest

from covid_keras.utils.errors import InputError
from covid_keras.utils.locks import locked

fcntl = pytest.importorskip("fcntl")  # Windows has none

HOLD = """
import sys, time
from pathlib import Path
from covid_keras.utils.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_process_and_free_when_it_is_killed(tmp_path):
    folder = tmp_path / "runs" / "one"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        who = rf"Received: one in use by process {holder.pid} on {platform.node()}; wait"
        with pytest.raises(InputError, match=who), locked(folder):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with locked(folder):
        (folder / "x").touch()
    assert [path.name for path in folder.iterdir()] == ["x"]


def test_a_lock_file_left_behind_holds_nothing(tmp_path):
    (tmp_path / ".covid_keras_lock").write_text("process 1 on elsewhere")
    with locked(tmp_path), pytest.raises(InputError, match="in use"), locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_removed_and_made_anew_is_not_freed_for_its_new_holder(tmp_path):
    folder = tmp_path / "run"
    with locked(folder):
        shutil.rmtree(folder)
        with locked(folder):
            folder.rename(tmp_path / "moved")
            folder.mkdir()
            (folder / ".covid_keras_lock").touch()
    assert [path.name for path in folder.iterdir()] == [".covid_keras_lock"]


def test_what_was_left_below_a_folder_is_swept_when_it_is_held(tmp_path):
    left = tmp_path / "run" / "figures" / f".covid_keras_{platform.node()}_{10**30}_0a"
    left.mkdir(parents=True)
    with locked(tmp_path / "run"):
        assert not left.exists() and left.parent.exists()


def test_a_disk_without_locks_holds_nothing(tmp_path, monkeypatch):
    def without(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    with locked(tmp_path), locked(tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_lock_leaves_no_empty_folder(tmp_path):
    with locked(tmp_path / "a" / "b"):
        pass
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").mkdir()
    with locked(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").is_dir()
