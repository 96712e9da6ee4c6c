"""Inputs to entries: which images are in the paths that a user gives."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from covid_keras.images.find import images_below
from covid_keras.images.formats import is_volume
from covid_keras.images.volumes import Volume
from covid_keras.predict.entries import Entry, SliceEntry, ZipEntry
from covid_keras.predict.series import described
from covid_keras.predict.zip_file import ZipImages, is_zip
from covid_keras.utils.errors import InputError
from covid_keras.utils.text import count

_log = logging.getLogger(__name__)


def find_entries(inputs: Iterable[str | Path]) -> list[Entry]:
    """Return the images of files, folders, ZIP files and volumes, each image once.

    A ZIP file or volume that cannot be read is one entry that says why.

    Raises:
        InputError: a path does not exist, or a folder holds no image.
    """
    found: dict[str, Entry] = {}
    for path in map(Path, inputs):
        for entry in _entries(path):
            found.setdefault(entry.image, entry)
    return described(list(found.values()))


def _entries(path: Path) -> Iterator[Entry]:
    """Yield the images of one input."""
    if path.is_dir():
        if not (files := images_below(path, volumes=True)):
            raise InputError(f"{path}: no PNG, JPEG or DICOM files in this folder, and no volumes")
    elif path.is_file():
        files = [path]
    else:
        raise InputError(f"{path}: file not found, or neither a file nor a folder")
    for file in map(Path.resolve, files):
        try:
            if is_volume(file):
                yield from _slices(file, str(path))
            elif file == path.resolve() and is_zip(file):
                yield from _members(file, str(path))
            else:
                yield Entry(str(file), str(path))
        except InputError as error:
            yield Entry(str(file), str(path), reason=str(error).removeprefix(f"{file}: "))


def _slices(file: Path, source: str) -> Iterator[Entry]:
    """Yield the axial slices of a volume, whose path stands for the patient and the study."""
    volume = Volume(file)
    known = {"patient": file.name, "study": str(file), "ct": True}
    for number in range(volume.slices):
        image = f"{file}/{number + 1}"
        yield SliceEntry(image, source, **known, volume=volume, number=number)


def _members(file: Path, source: str) -> Iterator[Entry]:
    """Yield the images in a ZIP file."""
    archive = ZipImages(file)
    if not archive.images:
        raise InputError(f"{file}: no PNG, JPEG or DICOM files in this ZIP file")
    if archive.others:
        others = count(archive.others, "other file")
        _log.warning("%s: left out %s: not PNG, JPEG or DICOM", file, others)
    for member in archive.images:
        yield ZipEntry(f"{file}/{member.filename}", source, archive=archive, member=member)
