"""Facts of every image of a data set: read in threads, kept in parts, gone on with after a stop."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from covid_keras.audit.facts import THUMBNAIL, Facts, facts
from covid_keras.utils.errors import InputError
from covid_keras.utils.files import atomic_path, make_folder
from covid_keras.utils.progress import progress

PART = 2048
"""Images a part; a part is read again as a whole when a scan goes on."""
COLUMNS = ("format", "mode", "bits", "width", "height", "bytes", "pixels")
VERSION = 1
"""Of the facts; parts of another version are read again."""


@dataclass(frozen=True)
class Scan:
    """What was found, in the order of the images that were asked for."""

    table: pd.DataFrame
    """Columns image and `COLUMNS`; a row for each image that could be read."""
    perceptual: np.ndarray
    """uint64 (N,), see `facts.perceptual_hash`."""
    thumbnails: np.ndarray
    """uint8 (N, THUMBNAIL, THUMBNAIL)."""
    unreadable: tuple[str, ...]
    """One line for every image that could not be read."""


def scan(images: Sequence[str], root: Path, parts: Path) -> Scan:
    """Read every image once; about 2.4 kB of memory an image at the peak.

    Args:
        images: paths relative to `root`, each once.
        parts: folder where finished parts are kept; a later scan of the same images, unchanged in
            size and time, takes them from there.

    Raises:
        InputError: `parts` cannot be written to.
    """
    make_folder(parts)
    found = []
    workers = ThreadPoolExecutor(2 * (os.cpu_count() or 1))
    with workers as threads, progress("audit", total=len(images)) as bar:
        for start in range(0, len(images), PART):
            part = images[start : start + PART]
            file = parts / f"{start // PART:05}_{_key(part, root)}.npz"
            if not file.exists():
                _write(file, *_read(part, root, threads, bar))
            found.append(_load(file))
            bar.update(start + len(part) - bar.n)
    tables, perceptual, thumbnails, unreadable = zip(*found, strict=True)
    return Scan(
        table=pd.concat(tables, ignore_index=True),
        perceptual=np.concatenate(perceptual),
        thumbnails=np.concatenate(thumbnails),
        unreadable=tuple(line for lines in unreadable for line in lines),
    )


def _key(images: Sequence[str], root: Path) -> str:
    """Changes with the list of images, and with the size or time of any of them."""
    digest = hashlib.sha256(str(VERSION).encode())
    for image in images:
        try:
            status = (root / image).stat()
            digest.update(f"{image}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{image}\0missing\n".encode())
    return digest.hexdigest()[:16]


def _read(part, root, threads, bar) -> tuple[dict[str, Facts], list[str]]:
    """{image: its facts} and the lines of those that cannot be read."""

    def one(image: str) -> Facts | str:
        try:
            return facts(root / image)
        except InputError as error:
            return str(error)

    read, unreadable = {}, []
    for image, result in zip(part, threads.map(one, part), strict=True):
        if isinstance(result, str):
            unreadable.append(result)
        else:
            read[image] = result
        bar.update()
    return read, unreadable


def _write(file: Path, read: dict[str, Facts], unreadable: list[str]) -> None:
    thumbnails = [one.thumbnail for one in read.values()]
    columns = {name: np.array([getattr(one, name) for one in read.values()]) for name in COLUMNS}
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            image=np.array(list(read), dtype=str),
            unreadable=np.array(unreadable, dtype=str),
            perceptual=np.array([one.perceptual for one in read.values()], np.uint64),
            thumbnails=np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL),
            **columns,
        )


def _load(file: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, list[str]]:
    with np.load(file) as held:
        table = pd.DataFrame({name: held[name] for name in ("image", *COLUMNS)})
        return table, held["perceptual"], held["thumbnails"], held["unreadable"].tolist()
