"""The file of gpu.py's results: parts of the benchmark, run one after the other, add up in it.

{"runs": {id: what the run ran on and its ceilings}, "records": [one measurement each]}. A record
names its run, "rehearsal" says whether it is none, and the newest of two alike replaces the other.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path

CASE = ("network", "height", "width", "batch", "precision")


def empty() -> dict:
    """No results."""
    return {"runs": {}, "records": []}


def load(path: Path) -> dict:
    """The file's results; raises InputError where it is none of this benchmark."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        assert all(record["run"] in results["runs"] for record in results["records"])
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        raise InputError(f"{path}: not a file of results that gpu.py wrote") from None
    return results


def save(path: Path, results: dict) -> None:
    """Write beside, then rename."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def merged(parts: Iterable[dict]) -> dict:
    """All parts' results, later ones last. Raises InputError for rehearsals beside measurements."""
    result = empty()
    for part in parts:
        result["runs"] |= part["runs"]
        for record in part["records"]:
            add(result, record)
    return result


def add(results: dict, record: dict) -> None:
    """Append `record`, whose run is in `results`, in place of one like it.

    Raises InputError where a rehearsal would come beside measurements.
    """
    refuse_mixture(results, record["rehearsal"])
    name = key(results, record)
    kept = [other for other in results["records"] if key(results, other) != name]
    results["records"] = [*kept, record]


def refuse_mixture(results: dict, rehearsal: bool) -> None:
    """Raises InputError where `results` are of the other kind, or of both."""
    if any(record["rehearsal"] != rehearsal for record in results["records"]):
        raise InputError("rehearsals and measurements cannot be mixed: use one file for each")


def key(results: dict, record: dict) -> tuple:
    """What a record is a measurement of, and on which GPU."""
    name = results["runs"][record["run"]]["device"]["name"]
    return name, *(record[field] for field in CASE), record["task"]
