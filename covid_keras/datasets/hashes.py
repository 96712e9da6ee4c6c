"""Hashes of image files: which are copies, and whether one was replaced since."""

import hashlib
import json
import logging
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pandas as pd
import xxhash

from covid_keras.utils.errors import InputError
from covid_keras.utils.files import cache_folder, read_json, write_text
from covid_keras.utils.progress import progress

KEPT = 1000
"""Images from which on hashes are kept in the user's cache; fewer are read in no time."""

_log = logging.getLogger(__name__)


def file_hashes(root: Path, images: Sequence[str]) -> list[str]:
    """Return 32 hex digits of the bytes of each file, "" where there is none or it cannot be read.

    Hashes of many images are kept, so that a file of the same path, size and times is not read
    again. Paths are kept as hashes too.

    Args:
        root: the folder that `images` are relative to.
    """
    keys, many = [_key(root / image) for image in images], len(images) >= KEPT
    folder = xxhash.xxh3_128_hexdigest(os.fsencode(root.resolve()))
    file = cache_folder() / "hashes" / f"{folder}.json"
    known = {"": ""}
    with suppress(InputError, TypeError, ValueError):  # none yet, or damaged: made anew
        known |= read_json(file) if many else {}
    new = {key: root / image for key, image in zip(keys, images, strict=True) if key not in known}
    with ThreadPoolExecutor() as threads:
        found = threads.map(_hash, new.values())
        found = progress("hashes", found, total=len(new)) if len(new) >= KEPT else found
        known |= dict(zip(new, found, strict=True))
    if many and new:
        with suppress(InputError):  # a home folder that is full, or cannot be written to
            write_text(file, json.dumps(known))
    return [known[key] for key in keys]


def warn_of_copies(records: pd.DataFrame, hashes: Sequence[str]) -> None:
    """Warn of images whose files are equal: they leak where they are in two splits."""
    table = records[["image", "split", "label"]].assign(digest=list(hashes))
    table = table[table["digest"] != ""]
    first = table.drop_duplicates("digest").set_index("digest")
    copies = table[table["digest"].duplicated()]
    if len(copies):
        of = first.loc[copies["digest"]]
        away, renamed = (int((copies[c].array != of[c].array).sum()) for c in ("split", "label"))
        _log.warning(
            "%d of %d images are copies of others, file by file, the first %s of %s; %d are in"
            " another split, %d have another label; covid-keras audit lists them",
            *(len(copies), len(records), copies["image"].iloc[0], of["image"].iloc[0]),
            *(away, renamed),
        )


def _key(path: Path) -> str:
    """Return a hash of the path, size and times of a regular file, "" if there is none."""
    try:
        state = path.stat()
    except OSError:
        return ""
    facts = path.absolute(), state.st_size, state.st_mtime_ns, state.st_ctime_ns
    return xxhash.xxh3_128_hexdigest(repr(facts).encode()) if stat.S_ISREG(state.st_mode) else ""


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
    except OSError:
        return ""
