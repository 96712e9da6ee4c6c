"""Worker processes."""

import os
import signal
import time
from multiprocessing import active_children
from threading import Thread

from covid_keras.studies.workers import worker


def test_a_failure_in_a_worker_is_a_reason_and_a_traceback(tmp_path, capfd):
    log = tmp_path / "study" / "log.txt"
    with worker(log) as call:
        assert "recipe 'none' is unknown" in call("train", recipe="none", out=tmp_path / "run")
        assert "is unknown" in capfd.readouterr().err
        assert call("no_such_function").startswith("AttributeError: module 'covid_keras'")
        assert "Traceback" in log.read_text()
        assert call("list_models") == "" and "squeezenet" in log.read_text()


def test_after_a_worker_was_killed_the_next_call_has_a_new_one(tmp_path):
    fifo = tmp_path / "read_image_waits_here"
    os.mkfifo(fifo)
    with worker(tmp_path / "log.txt") as call:
        assert call("list_models") == ""
        (first,) = active_children()
        reasons = []
        waiting = Thread(target=lambda: reasons.append(call("read_image", path=str(fifo))))
        waiting.start()
        while "read_image" not in (tmp_path / "log.txt").read_text():
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
        waiting.join(30)
        assert reasons == ["the process was killed or crashed: out of memory?"]
        assert call("list_models") == ""
        assert [child.pid for child in active_children()] != [first.pid]
