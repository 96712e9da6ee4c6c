"""Fixtures that every test may use."""

import os
from pathlib import Path

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
