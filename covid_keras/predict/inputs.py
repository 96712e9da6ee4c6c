"""Inputs to entries: which images are below the paths that a user gives."""

from collections.abc import Iterable
from pathlib import Path

from covid_keras.images.find import images_below
from covid_keras.predict.entries import Entry
from covid_keras.predict.series import described
from covid_keras.utils.errors import InputError


def find_entries(inputs: Iterable[str | Path]) -> list[Entry]:
    """Return the images of files and folders, each image once.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    found: dict[str, Entry] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            if not (images := images_below(path)):
                raise InputError(f"{path}: no PNG, JPEG or DICOM files in this folder")
        elif path.is_file():
            images = [path]
        else:
            raise InputError(f"{path}: file not found, or neither a file nor a folder")
        for image in map(str, map(Path.resolve, images)):
            found.setdefault(image, Entry(image, str(path)))
    return described(list(found.values()))
