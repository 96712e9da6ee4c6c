"""Changes to the files of a run folder."""

from covid_keras.utils.files import read_json, write_json


def change(run, file, **values):
    """Put values into a JSON file of a run folder."""
    path = run / file
    write_json(path, (read_json(path) if path.exists() else {}) | values)
