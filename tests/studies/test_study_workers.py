"""Worker processes."""

import os
import signal
import time
from multiprocessing import active_children

import pytest

from covid_keras.studies.workers import reason_of, worker


@pytest.mark.slow
def test_a_failure_in_a_worker_is_a_reason_and_a_traceback(tmp_path, capfd):
    log = tmp_path / "study" / "log.txt"
    with worker(log) as start:

        def call(verb, **given):
            return reason_of(start(verb, **given))

        assert "recipe 'none' is unknown" in call("train", recipe="none", out=tmp_path / "run")
        assert "is unknown" in capfd.readouterr().err
        assert call("no_such_function").startswith("AttributeError: module 'covid_keras'")
        assert "Traceback" in log.read_text()
        assert call("list_models") == "" and "squeezenet" in log.read_text()


def test_after_a_worker_was_killed_the_next_call_has_a_new_one(tmp_path):
    fifo = tmp_path / "read_image_waits_here"
    os.mkfifo(fifo)
    with worker(tmp_path / "log.txt") as start:
        assert reason_of(start("list_models")) == ""
        (first,) = active_children()
        waiting = start("read_image", path=str(fifo))
        while "read_image" not in (tmp_path / "log.txt").read_text():
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
        assert reason_of(waiting) == "the process was killed or crashed: out of memory?"
        assert reason_of(start("list_models")) == ""
        assert [child.pid for child in active_children()] != [first.pid]


def test_ctrl_c_stops_all_workers(tmp_path):
    fifo, logs = tmp_path / "read_image_waits_here", [tmp_path / "a.txt", tmp_path / "b.txt"]
    os.mkfifo(fifo)
    with pytest.raises(KeyboardInterrupt), worker(logs[0]) as first, worker(logs[1]) as second:
        for start in (first, second):
            start("read_image", path=str(fifo))
        while not all(log.exists() and "read_image" in log.read_text() for log in logs):
            time.sleep(0.05)
        raise KeyboardInterrupt
    assert active_children() == []
