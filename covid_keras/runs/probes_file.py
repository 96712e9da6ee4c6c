"""Read and write shortcuts/probes.json: what linear probes read of a run's features."""

from pathlib import Path

from covid_keras.runs.metrics_file import PROBES
from covid_keras.runs.run import Run
from covid_keras.utils.files import read_json, write_json
from covid_keras.utils.shape import check_shape


def write_probes(run: Run, probes: dict) -> None:
    """Write the probes of a run, as in metrics.json."""
    write_json(_file(run), probes)


def read_probes(run: Run) -> dict | None:
    """Return what `write_probes` wrote; None if it was not done.

    Raises:
        InputError: the file is damaged.
    """
    file = _file(run)
    if not file.exists():
        return None
    probes = read_json(file)
    check_shape(probes, PROBES, str(file))
    return probes


def _file(run: Run) -> Path:
    return run.shortcuts / "probes.json"
