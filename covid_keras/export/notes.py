"""The notes beside an exported network, covid_keras.json: what is needed to use it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from covid_keras.recipes import config
from covid_keras.recipes.config import Recipe, height_width
from covid_keras.utils.files import read_json_value, write_json

_FILE = "covid_keras.json"


@dataclass(frozen=True)
class Notes:
    """How to feed an exported network and how to read its answer."""

    format: str
    """One of `export.FORMATS`."""
    recipe: Recipe
    classes: tuple[str, ...]
    """Class names in the order of the network's columns."""
    stamps: tuple[str, ...]


def is_export(folder: Path) -> bool:
    """Return whether `folder` holds an exported network, of any format."""
    return (folder / _FILE).is_file()


def write_notes(folder: Path, notes: Notes) -> None:
    """Write the notes, and the shapes of the endpoint that takes pixels."""
    shape = [None, *height_width(notes.recipe.input.crop), 1]
    endpoint = {
        "input": {"name": "images", "shape": shape, "dtype": "float32"},
        "input_range": [0, 255],
        "output": {"name": "probabilities", "shape": [None, len(notes.classes)]},
    }
    write_json(folder / _FILE, asdict(notes) | endpoint)


def read_notes(folder: Path) -> Notes:
    """Read the notes. Raises InputError if they are damaged."""
    file = folder / _FILE
    recipe = config.from_json(read_json_value(file, "recipe"), str(file))
    classes, stamps = (tuple(read_json_value(file, key)) for key in ("classes", "stamps"))
    return Notes(read_json_value(file, "format"), recipe, classes, stamps)
