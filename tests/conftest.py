"""Fixtures that every test may use."""

import logging
import os
from pathlib import Path

import made_images
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images and labels: COVID_KERAS_DATA, else ../shared/data; skips where missing."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COVID_KERAS_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set COVID_KERAS_DATA")
    return folder


@pytest.fixture
def labelled_images(tmp_path) -> Path:
    """A folder of 24 small PNGs of two classes in three splits, with labels.csv."""
    made_images.dark_and_bright(tmp_path / "labelled")
    return tmp_path / "labelled"


@pytest.fixture(autouse=True)
def quiet_log():
    """Take off what a command, of this test or of a fixture, put on the package's logger."""
    log = logging.getLogger("covid_keras")
    for handler in [each for each in log.handlers if type(each).__name__ == "_Console"]:
        log.removeHandler(handler)
    log.setLevel(logging.NOTSET)
    log.propagate = True
