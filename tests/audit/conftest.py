"""The dataset in which problems are planted."""

from pathlib import Path

import pytest
from planted import write_clean_set


@pytest.fixture
def planted(tmp_path) -> Path:
    """A clean dataset in a folder."""
    return write_clean_set(tmp_path / "set")
