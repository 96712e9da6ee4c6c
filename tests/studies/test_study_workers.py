"""Worker processes."""

from covid_keras.studies.workers import worker


def test_a_failure_in_a_worker_is_a_reason_and_a_traceback(tmp_path, capfd):
    log = tmp_path / "study" / "log.txt"
    with worker(log) as call:
        assert "unknown recipe" in call("train", recipe="none", out=tmp_path / "run")
        assert "unknown recipe" in capfd.readouterr().err
        assert call("no_such_function").startswith("AttributeError: module 'covid_keras'")
        assert "Traceback" in log.read_text()
        assert call("list_models") == "" and "squeezenet" in log.read_text()
