"""Read every image of a data set once, in threads; a stopped scan is resumed."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_keras.audit.copies import perceptual_hash, pixel_hash
from covid_keras.images.formats import read_bytes
from covid_keras.images.headers import read_header
from covid_keras.images.read import decode
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path, make_folder
from covid_keras.utils.progress import progress

THUMBNAIL = 32
"""Side of the thumbnails, in pixels."""
PART = 2048
"""Images whose facts are kept in one file; a part that was not finished is read again."""
VERSION = 2
"""Of the facts; parts of other versions are read again."""
_TEXT, _NUMBERS = ("image", "format", "mode", "pixels"), ("bits", "width", "height", "bytes")
_OTHERS = {"perceptual": np.uint64, "thumbnail": np.uint8, "unreadable": str}
_TYPES = dict.fromkeys(_TEXT, str) | dict.fromkeys(_NUMBERS, int) | _OTHERS


@dataclass(frozen=True)
class Scan:
    """What was read, in the order of the images that were asked for."""

    table: pd.DataFrame
    """One row for each image that can be read: image, format (PNG, JPEG or DICOM), mode, bits a
    sample, width, height, bytes (file size) and pixels (hash of the grey image)."""
    perceptual: np.ndarray
    """uint64 (N,), from `copies.perceptual_hash`."""
    thumbnails: np.ndarray
    """uint8 (N, THUMBNAIL, THUMBNAIL)."""
    unreadable: tuple[str, ...]
    """One error for each image that cannot be read."""


def scan(images: Sequence[str], root: Path, parts: Path) -> Scan:
    """Read every image once; needs about 2.4 kB of memory an image.

    Args:
        images: paths relative to `root`, without repetition.
        parts: folder where finished parts are kept. A later scan of the same images, unchanged
            in size and time, reads them from there.

    Raises:
        InputError: `parts` cannot be written to.
    """
    make_folder(parts)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in _TYPES}
    workers = ThreadPoolExecutor(2 * (os.cpu_count() or 1))
    with workers as threads, progress("audit", total=len(images)) as bar:
        for start in range(0, len(images), PART):
            part = images[start : start + PART]
            file = parts / f"{start // PART:05}_{_key(part, root)}.npz"
            if not file.exists():
                _write(file, part, root, threads, bar)
            bar.update(start + len(part) - bar.n)
            with np.load(file) as kept:
                for name, values in columns.items():
                    values.append(kept[name].ravel())
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    return Scan(
        table=pd.DataFrame({name: joined[name] for name in (*_TEXT, *_NUMBERS)}),
        perceptual=joined["perceptual"],
        thumbnails=joined["thumbnail"].reshape(-1, THUMBNAIL, THUMBNAIL),
        unreadable=tuple(joined["unreadable"].tolist()),
    )


def image_facts(root: Path, image: str) -> dict[str, object]:
    """Read one image; return its values of `Scan`, or {"unreadable": error}."""
    path = root / image
    try:
        data = read_bytes(path)
        grey = decode(data, path)
        header = asdict(read_header(path, data))
    except InputError as error:
        return {"unreadable": str(error)}
    thumbnail = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    hashes = {"pixels": pixel_hash(grey), "perceptual": perceptual_hash(thumbnail)}
    return {"image": image, **header, "bytes": len(data), **hashes, "thumbnail": thumbnail}


def _key(images: Sequence[str], root: Path) -> str:
    """Return a hash that changes with the list of images and with the size or time of each."""
    digest = hashlib.sha256(str(VERSION).encode())
    for image in images:
        digest.update(f"{image}\0".encode())
        with suppress(OSError):  # no such image
            status = (root / image).stat()
            digest.update(f"{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _write(file: Path, images: Sequence[str], root: Path, threads: Executor, bar: tqdm) -> None:
    """Read the images of a part and write their facts, a column each."""
    facts = []
    for item in threads.map(lambda image: image_facts(root, image), images):
        facts.append(item)
        bar.update()
    columns = {
        name: np.array([item[name] for item in facts if name in item], dtype)
        for name, dtype in _TYPES.items()
    }
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **columns)
