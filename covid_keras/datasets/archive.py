"""Pack a data set into one tar file, its images made smaller or re-encoded.

The archive holds every image under its own name, as grey PNG or JPEG whatever its suffix says
(readers go by the content), the label files unchanged, the image headers from before (for the
metadata baseline), and packed.json.
"""

import dataclasses
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_keras.datasets import catalogue
from covid_keras.datasets.check import check_files
from covid_keras.datasets.label_files import refuse
from covid_keras.datasets.levels import warn_of_levels
from covid_keras.datasets.records import image_root, load_records, read_table
from covid_keras.images.find import is_hidden
from covid_keras.images.geometry import resize
from covid_keras.images.headers import Header, read_header
from covid_keras.images.read import decode_image, read_image
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path, read_json
from covid_keras.utils.progress import progress

HEADER_COLUMNS = (*(field.name for field in dataclasses.fields(Header)), "bytes")
METADATA = ("manifest.csv", "labels.csv", "phantom.json", "*-CT-MetaInfo.csv", "*-CT-MetaInfo.xlsx")
"""Files beside label lists that readers use, or that say what the images are."""
NOTE = "packed.json"
HEADERS = "packed_headers.csv"
"""In a packed data set: the headers that its image files had before."""


@dataclass(frozen=True)
class Packed:
    """What was written; the encoding's mean absolute difference is in grey levels."""

    images: int
    bytes: int
    difference: float


def pack(
    name: str, root: Path, out: Path, fit: tuple[int, int] | None = None, quality: int | None = None
) -> Packed:
    """Write the data set `name` in the folder `root` as the archive `out`.

    Args:
        fit: height and width in pixels; larger images are made smaller to fit. None keeps sizes.
        quality: of JPEG, 1 to 100; None is PNG, without loss.

    Raises:
        InputError: no such data set, an unreadable image, a packed data set, boxes that would have
            to be scaled too, DICOM files, or settings out of range.
    """
    if not root.is_dir():
        raise InputError(f"{root}: expected a data set's folder. Received: no such folder")
    if (root / NOTE).exists():
        raise InputError(f"{root}: expected the original data set. Received: a packed one")
    if fit and min(fit) < 1:
        raise InputError(f"--fit: expected a height and a width in pixels. Received: {fit}")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"--quality: expected 1 to 100. Received: {quality}")
    records = load_records(name, root)
    check_files(records, root)
    if fit and records["x0"].notna().any():
        raise InputError(f"{root}: --fit: expected images without boxes. Received: {name}")
    images = list(dict.fromkeys(records["image"]))
    warn_of_levels(images, image_root(root))
    before = headers(images, image_root(root))
    before.insert(0, "image", images)
    if "DICOM" in set(before["format"]):
        lost = "DICOM, whose headers hold patients and more that would be lost"
        raise InputError(f"{root}: expected PNG and JPEG images. Received: {lost}")
    differences = []
    with atomic_path(out) as temporary, tarfile.open(temporary, "w") as archive:
        for image in progress("pack", images):
            encoded, difference = _encoded(image_root(root) / image, fit, quality)
            _add(archive, image, encoded)
            differences.append(difference)
        for path in _label_files(name, root, records):
            _add(archive, path.relative_to(root).as_posix(), path.read_bytes())
        _add(archive, HEADERS, before.to_csv(index=False).encode())
        mean = float(np.mean(differences))
        note = {"dataset": name, "fit": fit, "quality": quality, "difference": round(mean, 3)}
        _add(archive, NOTE, json.dumps(note, indent=2).encode())
    return Packed(len(images), out.stat().st_size, mean)


def _label_files(name: str, root: Path, records: pd.DataFrame) -> list[Path]:
    """Return the files besides the images that the records need: nothing else is shipped.

    Raises:
        InputError: an image or a label file is a link, or in a folder that is one.
    """
    patterns = (*METADATA, *catalogue.get(name).patient_table)
    known = {Path(file) for file in read_table(name, root, None, refuse)["file"]}
    known |= {path for pattern in patterns for path in root.rglob(pattern)}
    known = {path for path in known if not is_hidden(path.relative_to(root))}
    images = {root / image for image in records["image"]}
    parts = {each for path in known | images for each in (path, *path.parents)}
    if links := sorted(part for part in parts - {root, *root.parents} if part.is_symlink()):
        raise InputError(f"{links[0]}: expected a file to pack. Received: a link")
    return sorted(path for path in known - images if path.is_file())


def headers(images: Iterable[str], root: Path) -> pd.DataFrame:
    """Return one row for each image with `HEADER_COLUMNS`; of a packed set, the original headers.

    Raises:
        InputError: a file cannot be read, or is not in the packed data set's list.
    """
    images = list(images)
    if (root / HEADERS).exists():
        known = pd.read_csv(root / HEADERS, index_col="image", keep_default_na=False)
        if missing := [image for image in images if image not in known.index]:
            raise InputError(f"{root / HEADERS}: expected a row for {missing[0]}. Received: none")
        return known.loc[images, list(HEADER_COLUMNS)].reset_index(drop=True)
    rows = [
        (*dataclasses.astuple(read_header(root / image)), (root / image).stat().st_size)
        for image in progress("headers", images)
    ]
    return pd.DataFrame(rows, columns=list(HEADER_COLUMNS))


def packed_stamps(root: Path) -> list[str]:
    """Return the stamp of runs on the data set in `root` if it was packed, else none."""
    if not (root / NOTE).exists():
        return []
    note = read_json(root / NOTE)
    fit, quality = note["fit"], note["quality"]
    size = f"made smaller to fit {fit[0]} x {fit[1]} pixels" if fit else "in their size"
    jpeg = f"JPEG {quality}, mean difference {note['difference']} grey levels"
    return [f"PACKED: images {size}, {jpeg if quality else 'stored as PNG'}"]


def _encoded(path: Path, fit: tuple[int, int] | None, quality: int | None) -> tuple[bytes, float]:
    image = read_image(path)
    if fit:
        scale = min(fit[0] / image.shape[0], fit[1] / image.shape[1], 1)
        rows, columns = (max(1, int(side * scale + 0.5)) for side in image.shape)
        image = resize(image, rows, columns)
    if quality is None:
        return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes(), 0.0
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    decoded = decode_image(encoded, path)
    return encoded, float(np.abs(decoded.astype(np.int16) - image).mean())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # without a time, so that the same data make the same file
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
