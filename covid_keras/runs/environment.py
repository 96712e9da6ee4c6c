"""Record where and with what a process runs: command, commit, machine and package versions."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import covid_keras
from covid_keras.utils.backend import backend
from covid_keras.utils.text import short_path

PACKAGES = (
    *("tensorflow", "jax", "keras", "numpy", "pandas"),
    *("opencv-python-headless", "scikit-learn"),
)
"""Packages whose versions are recorded, if they are installed."""


def environment(root: Path | None) -> dict:
    """Return the environment of this process as JSON values.

    Args:
        root: the folder of the data; None is the phantom.
    """
    packages = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return {
        "date": date(),
        "command": command(),
        "data": str(root.resolve()) if root else "phantom",
        "covid_keras": covid_keras.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "backend": backend(),
        "packages": packages,
    }


def date() -> str:
    """Return the date and time in UTC, in ISO format to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command(*, short: bool = True) -> str:
    """Return the command line that started this process, as far as Python knows it.

    Args:
        short: whether its paths are shortened by `short_path`, to be kept in files.
    """
    program = Path(sys.argv[0])
    script = program.suffix == ".py" and program.stem != "__main__"
    words = [*(("python", sys.argv[0]) if script else ("covid-keras",)), *sys.argv[1:]]
    return shlex.join(map(short_path, words) if short else words)


def commit() -> str | None:
    """Return the commit of the source tree, "+changes" if it differs, or None outside of one."""
    folder = Path(__file__).parent
    ask = ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=40"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None
