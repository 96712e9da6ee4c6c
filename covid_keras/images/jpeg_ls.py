"""Pixels of JPEG-LS, in a process of their own: its decoders crash or hang on damaged data."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from covid_keras.utils.errors import InputError

TIMEOUT = 5
"""Seconds for one image, with the start of the process."""
_PROGRAM = """
import io, sys, numpy, pydicom
pixels = pydicom.dcmread(io.BytesIO(sys.stdin.buffer.read())).pixel_array
numpy.save(sys.stdout.buffer, pixels)
"""


def decode_apart(dataset: Dataset, where: str | Path) -> np.ndarray:
    """Return `dataset.pixel_array`, decoded by another process.

    Raises:
        InputError: the process failed, crashed or hung.
    """
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    command = [sys.executable, "-P", "-c", _PROGRAM]
    try:
        done = subprocess.run(
            command, input=file.getvalue(), capture_output=True, timeout=TIMEOUT, check=True
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{where}: JPEG-LS data not decoded in {TIMEOUT} seconds") from None
    except subprocess.CalledProcessError:
        raise InputError(f"{where}: damaged JPEG-LS data") from None
    return np.load(io.BytesIO(done.stdout))
