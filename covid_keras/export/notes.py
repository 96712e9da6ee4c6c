"""covid_keras.json in an export folder: how to feed the network and how to read its answer."""

from dataclasses import asdict, dataclass
from pathlib import Path

from covid_keras.recipes import config
from covid_keras.recipes.settings import LARGEST_SIDE
from covid_keras.runs.evidence import Evidence
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import read_json, read_json_value, write_json
from covid_keras.utils.shape import check_shape

_FILE = "covid_keras.json"


@dataclass(frozen=True)
class Notes:
    """How to feed an exported network, how to read its answer, and what that is worth."""

    format: str
    """One of `export.FORMATS`."""
    recipe: config.Recipe
    classes: tuple[str, ...]
    """Class names in the order of the network's columns."""
    stamps: tuple[str, ...]
    evidence: Evidence
    precision: str
    """"float32" or "int8"."""


def is_export(folder: Path) -> bool:
    """Return whether `folder` holds an exported network, of any format."""
    return (folder / _FILE).is_file()


def write_notes(folder: Path, notes: Notes, features: int) -> None:
    """Write the notes, and the shapes of the endpoint that takes pixels.

    Args:
        features: numbers in the network's feature vector.
    """
    shape = [None, *config.height_width(notes.recipe.input.crop), 1]
    endpoint = {
        "input": {"name": "images", "shape": shape, "dtype": "float32"},
        "input_range": [0, 255],
        "outputs": {"probabilities": [None, len(notes.classes)], "features": [None, features]},
    }
    write_json(folder / _FILE, asdict(notes) | endpoint)


def read_notes(folder: Path) -> Notes:
    """Read the notes. Raises InputError if they are damaged."""
    file = folder / _FILE
    check_shape(read_json(file), {"format": str, "precision": str}, str(file))
    recipe = config.from_json(read_json_value(file, "recipe"), str(file))
    if max(config.height_width(recipe.input.crop)) > LARGEST_SIDE:
        expected = f"expected sides of up to {LARGEST_SIDE:,} pixels"
        raise InputError(f"{file}: input.crop: {expected}. Received: {recipe.input.crop}")
    classes, stamps = (tuple(read_json_value(file, key, list)) for key in ("classes", "stamps"))
    evidence = Evidence.of_json(read_json_value(file, "evidence", dict), f"{file}, evidence")
    format, precision = (read_json_value(file, key) for key in ("format", "precision"))
    return Notes(format, recipe, classes, stamps, evidence, precision)
